//! Parsers of the small text files that the kernel offers. They read bytes, never panic, and give `None` for what is
//! not there or not as expected.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// No file that is read here is longer on a sane machine; what is beyond it is not read.
const MAX_FILE_BYTES: usize = 256 * 1024;

/// Reads files into one buffer that is kept, so that a sample allocates nothing per file.
#[derive(Debug, Default)]
pub struct FileBuffer {
    bytes: Vec<u8>,
}

impl FileBuffer {
    /// The file's content; `None` when it cannot be read or is longer than 256 KiB.
    pub(crate) fn read(&mut self, path: &Path) -> Option<&[u8]> {
        if self.bytes.is_empty() {
            self.bytes.resize(8 * 1024, 0);
        }
        let mut file = File::open(path).ok()?;
        let mut filled = 0;
        loop {
            if filled == self.bytes.len() {
                if filled >= MAX_FILE_BYTES {
                    return None;
                }
                self.bytes.resize(filled * 2, 0);
            }
            match file.read(&mut self.bytes[filled..]) {
                Ok(0) => return Some(&self.bytes[..filled]),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}

/// The decimal number that is all of `bytes`, white space aside.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The number after `key` in a file of lines `key number`.
pub(crate) fn keyed(bytes: &[u8], key: &str) -> Option<u64> {
    lines(bytes).find_map(|line| number(line.strip_prefix(key.as_bytes())?.strip_prefix(b" ")?))
}

/// Bytes read and written, summed over the devices of cgroup v2's `io.stat`. A cgroup without I/O has an empty file.
pub(crate) fn io_stat(bytes: &[u8]) -> (u64, u64) {
    let (mut read, mut written) = (0_u64, 0_u64);
    for word in words(bytes) {
        if let Some(value) = word.strip_prefix(b"rbytes=").and_then(number) {
            read = read.saturating_add(value);
        } else if let Some(value) = word.strip_prefix(b"wbytes=").and_then(number) {
            written = written.saturating_add(value);
        }
    }
    (read, written)
}

/// Bytes read and written, summed over the devices of cgroup v1's `blkio.throttle.io_service_bytes…`.
pub(crate) fn blkio(bytes: &[u8]) -> (u64, u64) {
    let (mut read, mut written) = (0_u64, 0_u64);
    for line in lines(bytes) {
        let mut words = words(line).skip(1);
        let (Some(what), Some(value)) = (words.next(), words.next().and_then(number)) else { continue };
        match what {
            b"Read" => read = read.saturating_add(value),
            b"Write" => written = written.saturating_add(value),
            _ => {}
        }
    }
    (read, written)
}

/// Bytes received and sent, summed over the interfaces of a `net/dev` file that `wanted` takes by name.
/// `None` when it takes none.
pub(crate) fn net_dev(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Option<(u64, u64)> {
    let mut sum = None;
    for line in lines(bytes) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let Ok(name) = std::str::from_utf8(line[..colon].trim_ascii()) else { continue };
        if !wanted(name) {
            continue;
        }
        let mut columns = words(&line[colon + 1..]).map(number);
        let (Some(Some(received)), Some(Some(sent))) = (columns.next(), columns.nth(7)) else { continue };
        let (all_received, all_sent) = sum.unwrap_or((0_u64, 0_u64));
        sum = Some((all_received.saturating_add(received), all_sent.saturating_add(sent)));
    }
    sum
}

/// Bytes read and written, summed over the physical disks of `/proc/diskstats`. Partitions are left out, because their
/// disk counts the same; so are devices that sit on others (`dm-`, `md`), and memory and loop devices.
///
/// A sector is 512 bytes here whatever the disk says (kernel documentation, `admin-guide/iostats`).
/// `None` when no such disk is listed.
pub(crate) fn diskstats(bytes: &[u8]) -> Option<(u64, u64)> {
    const SECTOR: u64 = 512;
    const STACKED: [&str; 7] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd"];
    let mut sum = None;
    let mut disk: &str = "";
    for line in lines(bytes) {
        let mut columns = words(line).skip(2);
        let Some(name) = columns.next().and_then(|name| std::str::from_utf8(name).ok()) else { continue };
        if STACKED.iter().any(|prefix| name.starts_with(prefix)) || is_partition(name, disk) {
            continue;
        }
        let (Some(read), Some(written)) = (columns.nth(2).and_then(number), columns.nth(3).and_then(number)) else {
            continue;
        };
        disk = name;
        let (all_read, all_written) = sum.unwrap_or((0_u64, 0_u64));
        sum = Some((
            all_read.saturating_add(read.saturating_mul(SECTOR)),
            all_written.saturating_add(written.saturating_mul(SECTOR)),
        ));
    }
    sum
}

/// `sda1` is a partition of `sda`, `nvme0n1p2` of `nvme0n1`. The kernel lists a disk before its partitions.
fn is_partition(name: &str, disk: &str) -> bool {
    let Some(rest) = name.strip_prefix(disk).filter(|_| !disk.is_empty()) else { return false };
    let number = rest.strip_prefix('p').unwrap_or(rest);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where a `mounts` file says that a device is first mounted.
pub(crate) fn mount_of(bytes: &[u8], device: &str) -> Option<String> {
    let line = lines(bytes).find(|line| words(line).next() == Some(device.as_bytes()))?;
    let mount = std::str::from_utf8(words(line).nth(1)?).ok()?;
    // fstab(5): blanks in a path are written as octal numbers.
    Some(mount.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
}

/// The shares of the last 10 s in a `/proc/pressure` file, 0 to 1: of the line `some` and, where there is one, `full`.
pub(crate) fn pressure(bytes: &[u8]) -> Option<(f64, Option<f64>)> {
    let share = |kind: &str| {
        let line = lines(bytes).find_map(|line| line.strip_prefix(kind.as_bytes())?.strip_prefix(b" avg10="))?;
        let percent: f64 = std::str::from_utf8(words(line).next()?).ok()?.parse().ok()?;
        // The kernel gives two digits; dividing must not make seventeen of them.
        (0.0..=100.0).contains(&percent).then_some((percent * 100.0).round() / 10_000.0)
    };
    Some((share("some")?, share("full")))
}

pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n')
}

fn words(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_all_digits_and_fits() {
        let cases: [(&str, Option<u64>); 9] = [
            ("0", Some(0)),
            ("495616\n", Some(495_616)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("\n", None),
            ("max\n", None),
            ("-1", None),
            ("1 2", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_key_is_matched_whole() {
        let stat = b"total_inactive_file 7\ninactive_file 5\ninactive_file_more 3\nthrottled_usec";
        assert_eq!(keyed(stat, "inactive_file"), Some(5));
        assert_eq!(keyed(stat, "total_inactive_file"), Some(7));
        assert_eq!(keyed(stat, "throttled_usec"), None);
        assert_eq!(keyed(stat, "active_file"), None);
    }

    #[test]
    fn io_of_several_devices_is_summed() {
        assert_eq!(io_stat(b"8:0 rbytes=10 wbytes=1 rios=9 wios=9 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=2\n"), (15, 3));
        assert_eq!(io_stat(b""), (0, 0));
        assert_eq!(io_stat(b"8:0\n"), (0, 0));
        assert_eq!(blkio(b"8:0 Read 10\n8:0 Write 1\n8:0 Total 11\n8:16 Read 5\nTotal 16\n"), (15, 1));
    }

    #[test]
    fn the_interfaces_wanted_are_summed() {
        let dev = b"Inter-|   Receive\n face |bytes\n    lo:  7 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n\
            eth0:100 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  eth1: 1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n";
        assert_eq!(net_dev(dev, |name| name != "lo"), Some((101, 22)));
        assert_eq!(net_dev(dev, |name| name == "wlan0"), None);
    }

    #[test]
    fn a_disk_is_counted_once_and_its_partitions_not_again() {
        let stats = b"   8 0 sda 1 0 10 0 1 0 20 0 0 0 0\n   8 1 sda1 1 0 10 0 1 0 20 0 0 0 0\n\
            259 0 nvme0n1 1 0 1 0 1 0 2 0 0 0 0\n259 1 nvme0n1p1 1 0 1 0 1 0 2 0 0 0 0\n\
            253 0 dm-0 1 0 10 0 1 0 20 0 0 0 0\n 8 16 sdb 1 0 100 0 1 0 200 0 0 0 0\n";
        assert_eq!(diskstats(stats), Some((111 * 512, 222 * 512)));
        assert_eq!(diskstats(b"7 0 loop0 1 0 10 0 1 0 20 0 0 0 0\n"), None);
    }

    #[test]
    fn the_first_mount_of_a_device_is_found() {
        let mounts = b"proc /proc proc rw 0 0\n/dev/vda / ext4 rw 0 0\n/dev/vda /again ext4 rw 0 0\n/dev/vdb /my\\040data xfs rw\n/dev/vdc";
        assert_eq!(mount_of(mounts, "/dev/vda").as_deref(), Some("/"));
        assert_eq!(mount_of(mounts, "/dev/vdb").as_deref(), Some("/my data"));
        assert_eq!(mount_of(mounts, "/dev/vdc"), None);
        assert_eq!(mount_of(mounts, "/dev/v"), None);
    }

    #[test]
    fn pressure_is_a_share_and_full_may_be_missing() {
        assert_eq!(pressure(b"some avg10=34.50 avg60=23.18 avg300=7.27 total=2498\n"), Some((0.345, None)));
        assert_eq!(pressure(b"some avg10=1.00 avg60=0\nfull avg10=0.50 avg60=0\n"), Some((0.01, Some(0.005))));
        assert_eq!(pressure(b"some avg10=NaN\n"), None);
        assert_eq!(pressure(b""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            parse_with_all(&bytes);
        }

        #[test]
        fn no_words_make_a_parser_panic(text in "([a-z0-9:= ]{0,12}(some|full|avg10=|rbytes=|Read|eth0:|sda|[0-9]{1,25}|\n| )){0,30}") {
            parse_with_all(text.as_bytes());
        }
    }

    fn parse_with_all(bytes: &[u8]) {
        number(bytes);
        keyed(bytes, "usage_usec");
        io_stat(bytes);
        blkio(bytes);
        net_dev(bytes, |_| true);
        diskstats(bytes);
        pressure(bytes);
        mount_of(bytes, "sda");
    }
}
