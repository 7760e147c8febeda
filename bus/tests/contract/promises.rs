use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bus::{
    Bus, BusError, Change, Chunk, Delivery, Keep,
    payload::{self, DecodeError, Mode, Phase, Target},
    transport::MAX_PAYLOAD_BYTES,
};
use bytes::Bytes;

use crate::{PATIENCE, Place, bytes, hear, soon, told, told_at_last};

pub(crate) async fn a_message_reaches_everybody_whose_pattern_matches(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let mut exact = far.subscribe("a.b.c", 10).await.expect("subscribe");
    let mut one = near.subscribe("a.*.c", 10).await.expect("subscribe");
    let mut rest = far.subscribe("a.>", 10).await.expect("subscribe");
    for subject in ["a.b.c", "a.x.c", "a.b", "z"] {
        near.publish(subject, bytes(subject)).await.expect("publish");
    }
    near.publish("a.end.c", bytes("end")).await.expect("publish");
    near.publish("a.b.c", bytes("end")).await.expect("publish");
    assert_eq!([hear(&mut exact).await, hear(&mut exact).await], ["a.b.c a.b.c", "a.b.c end"]);
    assert_eq!(
        [hear(&mut one).await, hear(&mut one).await, hear(&mut one).await],
        ["a.b.c a.b.c", "a.x.c a.x.c", "a.end.c end"]
    );
    for expected in ["a.b.c a.b.c", "a.x.c a.x.c", "a.b a.b", "a.end.c end", "a.b.c end"] {
        assert_eq!(hear(&mut rest).await, expected);
    }
}

pub(crate) async fn a_subscription_that_is_dropped_hears_nothing_more(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let subscription = far.subscribe("q", 10).await.expect("subscribe");
    drop(subscription);
    let start = Instant::now();
    loop {
        match near.request("q", bytes("?"), Duration::from_millis(50)).await {
            Err(BusError::NobodyAnswers(_)) => break,
            _ => assert!(start.elapsed() < PATIENCE, "the subscription is still there"),
        }
    }
}

pub(crate) async fn what_cannot_be_a_subject_is_refused(place: &mut impl Place) {
    let bus = place.open().await;
    for subject in ["", "a..b", "a b", "a.*", "a.>", "a\r\nPUB b 0\r\n"] {
        assert!(matches!(bus.publish(subject, Bytes::new()).await, Err(BusError::Other(_))), "{subject:?}");
        let asked = bus.request(subject, Bytes::new(), PATIENCE).await;
        assert!(matches!(asked, Err(BusError::Other(_))), "{subject:?}");
    }
    assert!(bus.subscribe("a.>.b", 1).await.is_err());
    let bucket = bus.bucket("b").await.expect("bucket");
    for key in ["", "a..b", "a b", "a.*", "ä"] {
        assert!(matches!(bucket.put(key, Bytes::new()).await, Err(BusError::Other(_))), "{key:?}");
        assert!(matches!(bucket.get(key).await, Err(BusError::Other(_))), "{key:?}");
    }
}

pub(crate) async fn a_request_gets_the_first_answer(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let mut silent = far.subscribe("ask.>", 10).await.expect("subscribe");
    let mut asked = far.subscribe("ask.*", 10).await.expect("subscribe");
    tokio::spawn(async move {
        while let Some(Delivery::Message(message)) = asked.next().await {
            let answer = [b"re: ", message.payload.as_ref()].concat();
            message.reply.expect("a request can be answered").send(answer.into());
        }
    });
    for question in ["one", "two"] {
        let answer = near.request("ask.it", bytes(question), PATIENCE).await.expect("an answer");
        assert_eq!(answer, format!("re: {question}"));
        assert_eq!(hear(&mut silent).await, format!("ask.it {question}"));
    }
    near.publish("ask.it", bytes("not a question")).await.expect("publish");
    let Some(Delivery::Message(message)) = soon("the message", silent.next()).await else { panic!("no message") };
    assert!(message.reply.is_none(), "what was only published cannot be answered");
}

pub(crate) async fn nobody_there_to_answer_is_said_at_once(place: &mut impl Place) {
    let bus = place.open().await;
    let start = Instant::now();
    let answer = bus.request("nobody", Bytes::new(), Duration::from_mins(1)).await;
    assert!(matches!(answer, Err(BusError::NobodyAnswers(subject)) if subject == "nobody"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

pub(crate) async fn a_slow_answer_is_a_time_out(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let mut asked = far.subscribe("ask", 10).await.expect("subscribe");
    let limit = Duration::from_millis(100);
    let answer = near.request("ask", Bytes::new(), limit).await;
    assert!(matches!(answer, Err(BusError::TimedOut(after)) if after == limit), "{answer:?}");
    let Some(Delivery::Message(message)) = soon("the question", asked.next()).await else { panic!("no message") };
    message.reply.expect("a request can be answered").send(bytes("too late"));
}

pub(crate) async fn a_value_is_read_as_it_was_written(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let (write, read) = (near.bucket("b").await.expect("bucket"), far.bucket("b").await.expect("bucket"));
    let any: Vec<u8> = (0..=255).collect();
    for value in [Bytes::new(), Bytes::from(any)] {
        let revision = write.put("k", value.clone()).await.expect("put");
        let entry = read.get("k").await.expect("get").expect("a value");
        assert_eq!((entry.value, entry.revision), (value, revision));
    }
    assert_eq!(read.get("other").await.expect("get"), None);
}

pub(crate) async fn a_value_too_large_is_refused(place: &mut impl Place) {
    let bus = place.open().await;
    let large = Bytes::from(vec![b'x'; MAX_PAYLOAD_BYTES + 1]);
    let refused = |result: Result<(), BusError>| matches!(result, Err(BusError::TooLarge { .. }));
    assert!(refused(bus.publish("s", large.clone()).await));
    assert!(refused(bus.request("s", large.clone(), PATIENCE).await.map(drop)));
    let bucket = bus.bucket("b").await.expect("bucket");
    assert!(refused(bucket.put("k", large).await.map(drop)));
    assert_eq!(bucket.get("k").await.expect("get"), None);
}

pub(crate) async fn create_refuses_where_there_is_a_value(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let (first, second) = (near.bucket("b").await.expect("bucket"), far.bucket("b").await.expect("bucket"));
    let revision = first.create("k", bytes("one")).await.expect("create");
    let refused = second.create("k", bytes("two")).await;
    assert!(matches!(refused, Err(BusError::Conflict(key)) if key == "k"));
    let entry = second.get("k").await.expect("get").expect("a value");
    assert_eq!((entry.value, entry.revision), (bytes("one"), revision));
}

pub(crate) async fn update_refuses_another_revision_than_the_newest(place: &mut impl Place) {
    let bucket = place.open().await.bucket("b").await.expect("bucket");
    let first = bucket.create("k", bytes("one")).await.expect("create");
    let second = bucket.update("k", bytes("two"), first).await.expect("update");
    assert!(second > first);
    for stale in [0, first, second + 1] {
        let refused = bucket.update("k", bytes("three"), stale).await;
        assert!(matches!(refused, Err(BusError::Conflict(_))), "revision {stale}: {refused:?}");
    }
    let refused = bucket.update("never", bytes("x"), 1).await;
    assert!(matches!(refused, Err(BusError::Conflict(_))), "{refused:?}");
    assert_eq!(bucket.get("k").await.expect("get").expect("a value").value, bytes("two"));
}

pub(crate) async fn of_many_who_update_at_once_none_is_lost(place: &mut impl Place) {
    const WRITERS: u32 = 4;
    const EACH: u32 = 10;
    let (near, far) = both(place).await;
    near.bucket("b").await.expect("bucket").put("count", bytes("0")).await.expect("put");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let bucket = if writer % 2 == 0 { &near } else { &far }.bucket("b").await.expect("bucket");
        writers.spawn(async move {
            let mut done = 0;
            while done < EACH {
                let entry = bucket.get("count").await.expect("get").expect("a value");
                let count: u32 = std::str::from_utf8(&entry.value).expect("text").parse().expect("a number");
                match bucket.update("count", bytes(&(count + 1).to_string()), entry.revision).await {
                    Ok(_) => done += 1,
                    Err(BusError::Conflict(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    soon("the writers", writers.join_all()).await;
    let entry = far.bucket("b").await.expect("bucket").get("count").await.expect("get").expect("a value");
    assert_eq!(entry.value, bytes(&(WRITERS * EACH).to_string()));
}

pub(crate) async fn a_deleted_key_is_gone_and_can_be_created_again(place: &mut impl Place) {
    let bucket = place.open().await.bucket("b").await.expect("bucket");
    bucket.delete("k").await.expect("deleting nothing is no error");
    let first = bucket.create("k", bytes("one")).await.expect("create");
    bucket.delete("k").await.expect("delete");
    bucket.delete("k").await.expect("delete again");
    assert_eq!(bucket.get("k").await.expect("get"), None);
    assert_eq!(bucket.keys("").await.expect("keys"), Vec::<String>::new());
    assert!(matches!(bucket.update("k", bytes("x"), first).await, Err(BusError::Conflict(_))));
    let second = bucket.create("k", bytes("two")).await.expect("create again");
    assert!(second > first, "a revision never comes twice");
    assert_eq!(bucket.get("k").await.expect("get").expect("a value").value, bytes("two"));
}

pub(crate) async fn keys_are_listed_sorted_by_prefix(place: &mut impl Place) {
    let bucket = place.open().await.bucket("b").await.expect("bucket");
    assert_eq!(bucket.keys("").await.expect("keys"), Vec::<String>::new());
    for key in ["h1.shop.web", "h10.shop.web", "h1.shop.db", "h2.a.b"] {
        bucket.put(key, bytes("x")).await.expect("put");
    }
    bucket.put("h2.a.b", bytes("y")).await.expect("put again");
    assert_eq!(bucket.keys("h1.").await.expect("keys"), ["h1.shop.db", "h1.shop.web"]);
    assert_eq!(bucket.keys("h1").await.expect("keys"), ["h1.shop.db", "h1.shop.web", "h10.shop.web"]);
    assert_eq!(bucket.keys("").await.expect("keys").len(), 4);
}

pub(crate) async fn buckets_do_not_see_each_other(place: &mut impl Place) {
    let bus = place.open().await;
    let (one, two) = (bus.bucket("one").await.expect("bucket"), bus.bucket("two").await.expect("bucket"));
    one.put("k", bytes("1")).await.expect("put");
    two.create("k", bytes("2")).await.expect("no conflict with the other bucket");
    one.delete("k").await.expect("delete");
    assert_eq!(two.get("k").await.expect("get").expect("a value").value, bytes("2"));
}

pub(crate) async fn a_watch_tells_what_is_there_then_current_then_changes(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let (write, read) = (near.bucket("b").await.expect("bucket"), far.bucket("b").await.expect("bucket"));
    for key in ["h.a", "h.b", "h.gone", "other.a"] {
        write.put(key, bytes("old")).await.expect("put");
    }
    write.put("h.b", bytes("new")).await.expect("put");
    write.delete("h.gone").await.expect("delete");
    let mut changes = read.watch("h.").await.expect("watch");
    let mut there = [told(&mut changes).await, told(&mut changes).await];
    there.sort();
    assert_eq!(there, ["h.a=old", "h.b=new"]);
    assert_eq!(told(&mut changes).await, "current");
    let revision = write.put("h.c", bytes("1")).await.expect("put");
    let change = soon("a change", changes.recv()).await;
    assert!(matches!(change, Some(Change::Put { entry, .. }) if entry.revision == revision));
    write.put("other.b", bytes("not ours")).await.expect("put");
    write.delete("h.a").await.expect("delete");
    assert_eq!(told(&mut changes).await, "-h.a");
}

pub(crate) async fn a_watch_of_an_empty_bucket_is_current_at_once(place: &mut impl Place) {
    let bucket = place.open().await.bucket("b").await.expect("bucket");
    let mut changes = bucket.watch("").await.expect("watch");
    assert_eq!(told(&mut changes).await, "current");
    bucket.put("k", bytes("1")).await.expect("put");
    assert_eq!(told(&mut changes).await, "k=1");
}

pub(crate) async fn a_watch_that_nobody_reads_ends_with_the_newest_value(place: &mut impl Place) {
    let bucket = place.open().await.bucket("b").await.expect("bucket");
    let mut changes = bucket.watch("").await.expect("watch");
    for number in 0..200 {
        bucket.put("k", bytes(&number.to_string())).await.expect("put");
    }
    told_at_last(&mut changes, "k=199").await;
}

pub(crate) async fn the_newest_state_survives_an_interruption(place: &mut impl Place) {
    let bus = place.open().await;
    let bucket = bus.bucket("b").await.expect("bucket");
    bucket.put("gone", bytes("x")).await.expect("put");
    bucket.put("k", bytes("old")).await.expect("put");
    let revision = bucket.put("k", bytes("new")).await.expect("put");
    bucket.delete("gone").await.expect("delete");
    drop(bucket);
    let bus = place.interrupt(bus).await;
    let bucket = bus.bucket("b").await.expect("bucket");
    let entry = bucket.get("k").await.expect("get").expect("a value");
    assert_eq!((entry.value, entry.revision), (bytes("new"), revision));
    assert_eq!(bucket.keys("").await.expect("keys"), ["k"]);
    assert!(bucket.update("k", bytes("newer"), revision).await.expect("update") > revision);
    assert!(bucket.create("gone", bytes("again")).await.expect("create") > revision);
    let mut changes = bucket.watch("k").await.expect("watch");
    assert_eq!([told(&mut changes).await, told(&mut changes).await], ["k=newer", "current"]);
}

pub(crate) async fn a_slow_reader_is_told_exactly_how_many_it_missed(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let mut slow = far.subscribe("s", 5).await.expect("subscribe");
    let mut other = far.subscribe("done", 5).await.expect("subscribe");
    for number in 0..1000 {
        near.publish("s", bytes(&number.to_string())).await.expect("publish");
    }
    near.publish("done", Bytes::new()).await.expect("publish");
    hear(&mut other).await;
    // The two subscriptions are filled one after the other, so a few of the first may still be on their way.
    let (mut missed, mut next) = (0, 0);
    while next < 1000 {
        match soon("a message", slow.next()).await {
            Some(Delivery::Missed(count)) => {
                missed += count;
                next += count;
            }
            Some(Delivery::Message(message)) => {
                assert_eq!(message.payload, next.to_string(), "the count of those missed is exact");
                next += 1;
            }
            None => panic!("the subscription ended"),
        }
    }
    assert!(missed > 0, "a reader with room for 5 cannot have kept 1000");
}

const KEEP: Keep = Keep { age: Duration::from_hours(24), bytes: 10_000_000 };

pub(crate) async fn chunks_are_read_by_key_and_time_oldest_first(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let (log, other) = (near.log("l", KEEP).await.expect("log"), far.log("other", KEEP).await.expect("log"));
    for number in 1..=40 {
        log.append("a.b", number * 10, bytes(&format!("b{number}"))).await.expect("append");
        log.append("a.c", number * 10 + 5, bytes(&format!("c{number}"))).await.expect("append");
    }
    log.append("a.b", 400, bytes("again")).await.expect("append");
    other.append("a.b", 20, bytes("other")).await.expect("append");
    let log = far.log("l", KEEP).await.expect("log");
    for (key, span, expected) in [
        ("a.b", 20..=40, "b2@20 b3@30 b4@40"),
        ("a.b", 21..=39, "b3@30"),
        ("a.c", 0..=19, "c1@15"),
        ("a.b", 390..=u64::MAX, "b39@390 b40@400 again@400"),
        ("a.b", 500..=600, ""),
        ("a.d", 0..=u64::MAX, ""),
        ("a", 0..=u64::MAX, ""),
    ] {
        let chunks = log.read(key, span.clone(), None, usize::MAX).await.expect("read");
        assert_eq!(spelled(&chunks), expected, "{key} {span:?}");
        assert!(chunks.is_sorted_by(|one, next| one.place < next.place));
    }
    assert!(log.append("a..b", 1, Bytes::new()).await.is_err());
    assert!(log.read("*", 0..=1, None, 1).await.is_err());
    let huge = Bytes::from(vec![0; MAX_PAYLOAD_BYTES + 1]);
    assert!(matches!(log.append("a", 1, huge).await, Err(BusError::TooLarge { .. })));
}

pub(crate) async fn a_log_is_read_in_pages_of_so_many_bytes(place: &mut impl Place) {
    let bus = place.open().await;
    let log = bus.log("l", KEEP).await.expect("log");
    for number in 1..=7 {
        log.append("k", number, Bytes::from(vec![b'x'; 100])).await.expect("append");
    }
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = log.read("k", 2..=6, after, 250).await.expect("read");
        let Some(last) = page.last() else { break };
        after = Some(last.place);
        pages.push(page.iter().map(|chunk| chunk.at_ms).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec![2, 3], vec![4, 5], vec![6]]);
    let one = log.read("k", 2..=6, None, 1).await.expect("read");
    assert_eq!(one.len(), 1, "at least one, however large");
}

pub(crate) async fn what_is_too_much_is_forgotten_from_its_oldest_end(place: &mut impl Place) {
    let bus = place.open().await;
    let log = bus.log("l", Keep { bytes: 100_000, ..KEEP }).await.expect("log");
    for number in 1..=50 {
        let key = if number % 5 == 0 { "rare" } else { "k" };
        log.append(key, number, Bytes::from(vec![b'x'; 5000])).await.expect("append");
    }
    let kept = log.read("k", 0..=u64::MAX, None, usize::MAX).await.expect("read");
    let rare = log.read("rare", 0..=u64::MAX, None, usize::MAX).await.expect("read");
    let mut times: Vec<_> = kept.iter().chain(&rare).map(|chunk| chunk.at_ms).collect();
    times.sort_unstable();
    assert!((15..=20).contains(&times.len()), "{times:?}");
    assert_eq!(times, ((51 - times.len() as u64)..=50).collect::<Vec<_>>());
}

pub(crate) async fn what_is_too_old_is_forgotten(place: &mut impl Place) {
    let bus = place.open().await;
    let log = bus.log("l", Keep { age: Duration::from_millis(300), ..KEEP }).await.expect("log");
    let now = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("now").as_millis()).expect("now");
    log.append("k", now(), bytes("first")).await.expect("append");
    let start = Instant::now();
    loop {
        log.append("k", now(), bytes("later")).await.expect("append");
        let chunks = log.read("k", 0..=u64::MAX, None, usize::MAX).await.expect("read");
        assert_eq!(chunks.last().expect("the newest stays").value, "later");
        if chunks.iter().all(|chunk| chunk.value != "first") {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "the first is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn a_log_survives_an_interruption_and_may_keep_more_from_then_on(place: &mut impl Place) {
    let bus = place.open().await;
    let log = bus.log("l", Keep { bytes: 20_000, ..KEEP }).await.expect("log");
    log.append("k", 1, bytes("before")).await.expect("append");
    drop(log);
    let bus = place.interrupt(bus).await;
    let log = bus.log("l", KEEP).await.expect("log");
    for number in 2..=9 {
        log.append("k", number, Bytes::from(vec![b'x'; 5000])).await.expect("append");
    }
    let kept = log.read("k", 0..=u64::MAX, None, usize::MAX).await.expect("read");
    assert_eq!((kept.len(), kept[0].value.as_ref()), (9, &b"before"[..]));
    log.append("k", 10, bytes("after")).await.expect("append");
    let last = log.read("k", 10..=10, None, usize::MAX).await.expect("read");
    assert_eq!(spelled(&last), "after@10");
}

fn spelled(chunks: &[Chunk]) -> String {
    let each = chunks.iter().map(|chunk| format!("{}@{}", String::from_utf8_lossy(&chunk.value), chunk.at_ms));
    each.collect::<Vec<_>>().join(" ")
}

pub(crate) async fn a_payload_of_a_newer_version_is_understood_where_it_can_be(place: &mut impl Place) {
    let (near, far) = both(place).await;
    let mut subscription = far.subscribe("p", 10).await.expect("subscribe");
    let newer = r#"{"v":99,"project":"shop","service":"web","replicas":3,"term":1,"sequence":2,"issued_ms":3,
        "valid_for_ms":4,"evaluation":5,"reason":"load","brand_new":{"deep":[1,2]}}"#;
    near.publish("p", bytes(newer)).await.expect("publish");
    near.publish("p", bytes(r#"{"v":99,"replicas":"three"}"#)).await.expect("publish");
    near.publish("p", bytes(r#"{"v":1,"replicas":"three"}"#)).await.expect("publish");
    let mut received = Vec::new();
    for _ in 0..3 {
        let Some(Delivery::Message(message)) = soon("a message", subscription.next()).await else { panic!("none") };
        received.push(payload::decode::<Target>(&message.payload));
    }
    assert!(matches!(&received[0], Ok(target) if target.replicas == 3 && target.v == 99));
    assert!(matches!(&received[1], Err(DecodeError::Newer { found: 99, .. })));
    assert!(matches!(&received[2], Err(DecodeError::Malformed(_))));
    assert_eq!(serde_json::from_str::<Mode>(r#""dream""#).expect("unknown"), Mode::Observe);
    assert_eq!(serde_json::from_str::<Phase>(r#"{"is":"melting","x":1}"#).expect("unknown"), Phase::Unknown);
}

/// Two parts that share a bus: on NATS each has its own connection.
async fn both(place: &mut impl Place) -> (Bus, Bus) {
    (place.open().await, place.open().await)
}
