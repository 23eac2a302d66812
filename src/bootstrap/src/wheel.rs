//! A wheel is a zip file: checks its sha256, and unpacks the members that we use.

use crate::{errors::Trouble, platform::Wheel, progress::Meter};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Component, Path},
};
use zip::ZipArchive;

/// Compares the file's sha256 with the pinned one. A file that differs is deleted, so that the next run fetches it
/// again.
pub fn verify(wheel: &Wheel, path: &Path) -> Result<(), Trouble> {
    let mut file = File::open(path).map_err(Trouble::files("open", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(Trouble::files("read", path))? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let found = hex(&hasher.finalize());
    if found == wheel.sha256 {
        return Ok(());
    }
    fs::remove_file(path).map_err(Trouble::files("delete", path))?;
    Err(Trouble::WrongHash { wheel: wheel.requirement(), expected: wheel.sha256.into(), found })
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Unpacks the wanted members into `folder` and returns their names there.
pub fn unpack(wheel: &Wheel, path: &Path, folder: &Path) -> Result<Vec<String>, Trouble> {
    let bad = |why: String| Trouble::BadWheel { wheel: wheel.requirement(), why };
    let file = File::open(path).map_err(Trouble::files("open", path))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| bad(error.to_string()))?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let wanted: Vec<(&str, String)> =
        names.iter().filter_map(|name| Some((name.as_str(), destination(wheel, name)?))).collect();
    for (member, _) in wheel.take {
        if !names.iter().any(|name| name.starts_with(member)) {
            return Err(bad(format!("it has no {member}")));
        }
    }

    let mut total = 0;
    for (name, _) in &wanted {
        total += archive.by_name(name).map_err(|error| bad(error.to_string()))?.size();
    }
    let mut meter = Meter::new(format!("unpacking {}", wheel.requirement()), total);
    for (name, to) in &wanted {
        let target = folder.join(to);
        let parent = target.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(Trouble::files("make", parent))?;
        let mut member = archive.by_name(name).map_err(|error| bad(error.to_string()))?;
        let mut output = File::create(&target).map_err(Trouble::files("write", &target))?;
        copy(&mut member, &mut output, &mut meter, |error| bad(format!("{name}: {error}")))
            .map_err(|fault| fault.map_write(&target))?;
    }
    meter.finish();
    Ok(wanted.into_iter().map(|(_, to)| to).collect())
}

/// The target path of a member; `None` if it is not wanted.
fn destination(wheel: &Wheel, name: &str) -> Option<String> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if name.ends_with('/') || !plain {
        return None;
    }
    wheel.take.iter().find_map(|(from, to)| {
        let rest = name.strip_prefix(from)?;
        (rest.is_empty() || from.ends_with('/')).then(|| format!("{to}{rest}"))
    })
}

/// An error in reading concerns the wheel, one in writing the disk.
enum Fault {
    Read(Trouble),
    Write(io::Error),
}

impl Fault {
    fn map_write(self, path: &Path) -> Trouble {
        match self {
            Self::Read(trouble) => trouble,
            Self::Write(error) => Trouble::files("write", path)(error),
        }
    }
}

fn copy(
    input: &mut impl Read,
    output: &mut impl Write,
    meter: &mut Meter,
    blame: impl Fn(io::Error) -> Trouble,
) -> Result<(), Fault> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = input.read(&mut buffer).map_err(|error| Fault::Read(blame(error)))?;
        if count == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..count]).map_err(Fault::Write)?;
        meter.add(count as u64);
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use zip::{ZipWriter, write::SimpleFileOptions};

    pub fn write_wheel(path: &Path, members: &[(&str, &str)]) -> String {
        let mut archive = ZipWriter::new(File::create(path).unwrap());
        for (name, text) in members {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        hex(&Sha256::digest(fs::read(path).unwrap()))
    }

    const TAKE: &[(&str, &str)] = &[("torch/include/", "include/"), ("torch/lib/liba.so", "lib/liba.so")];

    fn wheel(sha256: &str) -> Wheel<'_> {
        Wheel { project: "torch", version: "1", sha256, size: 1, take: TAKE }
    }

    #[test]
    fn only_the_wanted_members_are_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torch-1-x.whl");
        let sha256 = write_wheel(
            &path,
            &[
                ("torch/include/ATen/A.h", "header"),
                ("torch/lib/liba.so", "library"),
                ("torch/lib/liba.so.debug", "no"),
                ("torch/include/../../escape", "no"),
                ("torch/x.py", "no"),
            ],
        );
        verify(&wheel(&sha256), &path).unwrap();
        let out = folder.path().join("out");
        let mut files = unpack(&wheel(&sha256), &path, &out).unwrap();
        files.sort();
        assert_eq!(files, ["include/ATen/A.h", "lib/liba.so"]);
        assert_eq!(fs::read_to_string(out.join("lib/liba.so")).unwrap(), "library");
        assert!(!folder.path().join("escape").exists());
    }

    #[test]
    fn a_wrong_hash_is_named_and_the_file_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torch-1-x.whl");
        let sha256 = write_wheel(&path, &[("torch/lib/liba.so", "library")]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[40] ^= 1;
        fs::write(&path, bytes).unwrap();
        let message = verify(&wheel(&sha256), &path).unwrap_err().to_string();
        assert!(message.contains("torch==1") && message.contains(&sha256), "{message}");
        assert!(!path.exists());
    }

    #[test]
    fn a_wheel_that_lacks_a_member_or_is_no_zip_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torch-1-x.whl");
        write_wheel(&path, &[("torch/include/A.h", "header")]);
        let message = unpack(&wheel(""), &path, folder.path()).unwrap_err().to_string();
        assert!(message.contains("torch/lib/liba.so"), "{message}");
        fs::write(&path, "not a zip file").unwrap();
        let message = unpack(&wheel(""), &path, folder.path()).unwrap_err().to_string();
        assert!(message.contains("torch==1"), "{message}");
    }
}
