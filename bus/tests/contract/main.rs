//! One contract for both transports: each promise in `promises.rs` is tested on the in-process bus, and with the
//! feature `needs-nats` on a real NATS server. What only one of them can promise stands in `local.rs` and `nats.rs`.

mod local;
#[cfg(feature = "needs-nats")]
mod nats;
#[cfg(feature = "needs-nats")]
mod nats_door;
mod promises;

use std::{future::Future, time::Duration};

use bus::{Bus, Change, Delivery, Subscription};
use bytes::Bytes;
use tokio::{sync::mpsc, time::timeout};

/// Longer than anything takes here: passing it is a failure and never a wait that proves something.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a bus lives.
trait Place {
    /// Connects, or opens.
    async fn open(&self) -> Bus;
    /// Breaks off what `bus` stands on, and gives the bus that goes on afterwards.
    async fn interrupt(&mut self, bus: Bus) -> Bus;
}

macro_rules! promises {
    ($($promise:ident)*) => {
        mod on_the_local_bus {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                crate::promises::$promise(&mut crate::local::File::new()).await;
            })*
        }

        #[cfg(feature = "needs-nats")]
        mod on_nats {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                crate::promises::$promise(&mut crate::nats::Server::start()).await;
            })*
        }
    };
}

promises! {
    a_message_reaches_everybody_whose_pattern_matches
    a_subscription_that_is_dropped_hears_nothing_more
    what_cannot_be_a_subject_is_refused
    a_request_gets_the_first_answer
    nobody_there_to_answer_is_said_at_once
    a_slow_answer_is_a_time_out
    a_value_is_read_as_it_was_written
    a_value_too_large_is_refused
    create_refuses_where_there_is_a_value
    update_refuses_another_revision_than_the_newest
    of_many_who_update_at_once_none_is_lost
    a_deleted_key_is_gone_and_can_be_created_again
    keys_are_listed_sorted_by_prefix
    buckets_do_not_see_each_other
    a_watch_tells_what_is_there_then_current_then_changes
    a_watch_of_an_empty_bucket_is_current_at_once
    a_watch_that_nobody_reads_ends_with_the_newest_value
    the_newest_state_survives_an_interruption
    a_slow_reader_is_told_exactly_how_many_it_missed
    chunks_are_read_by_key_and_time_oldest_first
    a_log_is_read_in_pages_of_so_many_bytes
    what_is_too_much_is_forgotten_from_its_oldest_end
    what_is_too_old_is_forgotten
    a_log_survives_an_interruption_and_may_keep_more_from_then_on
    a_payload_of_a_newer_version_is_understood_where_it_can_be
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}

/// The next delivery as text: `subject payload`, `missed 3`, or `end`.
async fn hear(subscription: &mut Subscription) -> String {
    match soon("a message", subscription.next()).await {
        Some(Delivery::Message(message)) => {
            format!("{} {}", message.subject, String::from_utf8_lossy(&message.payload))
        }
        Some(Delivery::Missed(count)) => format!("missed {count}"),
        None => "end".into(),
    }
}

/// Reads changes until one reads as `wanted`.
async fn told_at_last(changes: &mut mpsc::Receiver<Change>, wanted: &str) {
    loop {
        match told(changes).await.as_str() {
            "end" => panic!("the watch ended before {wanted}"),
            change if change == wanted => return,
            _ => {}
        }
    }
}

/// The next change as text: `key=value`, `-key`, `current`, or `end`.
async fn told(changes: &mut mpsc::Receiver<Change>) -> String {
    match soon("a change", changes.recv()).await {
        Some(Change::Put { key, entry }) => format!("{key}={}", String::from_utf8_lossy(&entry.value)),
        Some(Change::Deleted { key }) => format!("-{key}"),
        Some(Change::Current) => "current".into(),
        None => "end".into(),
    }
}
