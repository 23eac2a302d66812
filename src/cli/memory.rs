//! The memory limit of this process's control groups. Under too low a limit the system kills the kernel in the middle of a
//! run, and the kernel's log does not say why.

use std::{fs, io, path::Path};

/// The memory that a run of two lanes needs, with LibTorch and MNIST.
const NEEDED_BYTES: u64 = 240_000_000;

/// Version 1 of control groups writes "no limit" as a number that is at least this large.
const NO_LIMIT: u64 = 1 << 60;

/// Checks the limit, for `relu doctor`.
///
/// # Errors
/// If the limit is too low for a run.
pub fn check() -> Result<String, String> {
    check_under(Path::new("/"))
}

/// As [`check`], in a file system whose root is this path.
fn check_under(root: &Path) -> Result<String, String> {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let needed = megabytes(NEEDED_BYTES);
    match limits(root).into_iter().min_by_key(|limit| limit.bytes) {
        Some(Limit { bytes, file }) if bytes < NEEDED_BYTES => Err(format!(
            "this control group may use {} MB ({file}), and a race needs about {needed} MB: the system would kill the kernel; \
             raise that limit",
            megabytes(bytes)
        )),
        Some(Limit { bytes, file }) => {
            Ok(format!("{} MB for this control group ({file}); a race needs about {needed} MB", megabytes(bytes)))
        }
        None => Ok(format!("no control group limits it; a race needs about {needed} MB")),
    }
}

struct Limit {
    bytes: u64,
    file: String,
}

/// The limits of this process's control groups and their parents. The lowest one applies.
fn limits(root: &Path) -> Vec<Limit> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let mut limits = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let Some(group) = groups.lines().find_map(|line| mount.group_in(line)) else { continue };
        // In a container the mount point is the container's own group.
        let inside = Path::new(group).strip_prefix(mount.root).unwrap_or(Path::new(""));
        for folder in inside.ancestors() {
            let file = Path::new(mount.point).join(folder).join(mount.limit_file());
            let below = root.join(file.strip_prefix("/").unwrap_or(&file));
            if let Ok(Some(bytes)) = limit_in(&below) {
                limits.push(Limit { bytes, file: file.display().to_string() });
            }
        }
    }
    limits
}

/// `None` where the file says that there is no limit.
fn limit_in(file: &Path) -> io::Result<Option<u64>> {
    Ok(fs::read_to_string(file)?.trim().parse().ok().filter(|&bytes| bytes < NO_LIMIT))
}

/// A mounted hierarchy of control groups, parsed from a line of `/proc/self/mountinfo` (see proc(5)).
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    is_version_2: bool,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let is_version_2 = match kind.next()? {
            "cgroup2" => true,
            "cgroup" if kind.nth(1)?.split(',').any(|option| option == "memory") => false,
            _ => return None,
        };
        Some(Self { root, point, is_version_2 })
    }

    /// This process's group in this hierarchy, if a line of `/proc/self/cgroup` names it.
    fn group_in<'l>(&self, line: &'l str) -> Option<&'l str> {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_ours = if self.is_version_2 {
            number == "0" && controllers.is_empty()
        } else {
            controllers.split(',').any(|controller| controller == "memory")
        };
        is_ours.then_some(path)
    }

    fn limit_file(&self) -> &'static str {
        if self.is_version_2 { "memory.max" } else { "memory.limit_in_bytes" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a machine with these files.
    fn machine(files: &[(&str, &str)]) -> Result<String, String> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        check_under(root.path())
    }

    const VERSION_1: &str = "33 25 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n";
    const VERSION_2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const CONTAINER: &str = "33 25 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";

    #[test]
    fn too_low_a_limit_is_named_with_its_file_in_both_versions() {
        let one = [
            ("proc/self/mountinfo", VERSION_1),
            ("proc/self/cgroup", "5:cpu:/\n4:memory:/c14\n0::/elsewhere\n"),
            ("sys/fs/cgroup/memory/c14/memory.limit_in_bytes", "157286400\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        let why = machine(&one).unwrap_err();
        assert!(why.contains("157 MB (/sys/fs/cgroup/memory/c14/memory.limit_in_bytes)"), "{why}");
        assert!(why.contains("240 MB"), "{why}");
        let two = [
            ("proc/self/mountinfo", VERSION_2),
            ("proc/self/cgroup", "0::/user.slice/a.scope\n"),
            ("sys/fs/cgroup/user.slice/a.scope/memory.max", "max\n"),
            // The parents' limits apply too.
            ("sys/fs/cgroup/user.slice/memory.max", "100000000\n"),
        ];
        let why = machine(&two).unwrap_err();
        assert!(why.contains("100 MB (/sys/fs/cgroup/user.slice/memory.max)"), "{why}");
        let container = [
            ("proc/self/mountinfo", CONTAINER),
            ("proc/self/cgroup", "4:memory:/docker/abc\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "200000000\n"),
        ];
        assert!(machine(&container).is_err());
    }

    #[test]
    fn a_sufficient_limit_and_no_limit_are_accepted() {
        let two = [
            ("proc/self/mountinfo", VERSION_2),
            ("proc/self/cgroup", "0::/a\n"),
            ("sys/fs/cgroup/a/memory.max", "2000000000\n"),
        ];
        let message = machine(&two).unwrap();
        assert!(message.starts_with("2000 MB for this control group"), "{message}");
        for files in [&two[..2], &[]] {
            assert!(machine(files).unwrap().starts_with("no control group limits it"), "{files:?}");
        }
    }
}
