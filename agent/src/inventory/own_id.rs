//! The container that this agent runs in, so that it never scales itself.

use std::fs;

/// The full ID of this process's container; `None` outside of one.
pub(crate) fn own_container_id() -> Option<String> {
    parse(&fs::read_to_string("/proc/self/mountinfo").ok()?)
}

/// Docker mounts `/etc/hostname` and its like from `…/containers/<id>/…`, whatever the version of cgroups.
fn parse(mountinfo: &str) -> Option<String> {
    let own = mountinfo.lines().filter(|line| line.contains(" /etc/hostname ") || line.contains(" /etc/resolv.conf "));
    own.into_iter().find_map(|line| {
        let id = line.split("/containers/").nth(1)?.split('/').next()?;
        (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_is_found_by_what_docker_mounts_into_it() {
        let id = "5f".repeat(32);
        let line = format!(
            "715 704 254:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw"
        );
        assert_eq!(parse(&line), Some(id));
    }

    #[test]
    fn outside_of_a_container_there_is_none() {
        assert_eq!(parse("22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n"), None);
        assert_eq!(parse("1 1 0:1 /containers/short/hostname /etc/hostname rw - ext4 x rw"), None);
    }
}
