//! Sets in MNIST's form that a reader may have as files: a study reads them with `data=FOLDER`.

use super::DataFolder;
use super::published::md5_of;
use std::{
    io,
    path::{Path, PathBuf},
};

/// A set of four packed IDX files.
#[derive(Clone, Copy, Debug)]
pub struct IdxSet {
    pub title: &'static str,
    /// Its folder in the data folder.
    pub name: &'static str,
    /// Where a system's package puts it.
    system_folder: Option<&'static str>,
    /// The published MD5 of each file; `None` if the set has several parts, each of four files.
    md5: Option<[&'static str; 4]>,
    /// How it is to be had.
    pub remedy: &'static str,
}

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), Kuzushiji-MNIST (Clanuwat et al. 2018), EMNIST (Cohen et al. 2017).
pub const IDX_SETS: [IdxSet; 3] = [
    IdxSet {
        title: "Fashion-MNIST",
        name: "fashion-mnist",
        system_folder: Some("/usr/share/datasets/fashion-mnist"),
        md5: Some([
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ]),
        remedy: "Debian's package dataset-fashion-mnist has it",
    },
    IdxSet {
        title: "Kuzushiji-MNIST",
        name: "kmnist",
        system_folder: None,
        md5: Some([
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ]),
        remedy: "the four .gz files come from its authors, ROIS-CODH",
    },
    IdxSet {
        title: "EMNIST",
        name: "emnist",
        system_folder: None,
        md5: None,
        remedy: "take the four .gz files of one of its splits, such as letters, from NIST's gzip.zip",
    },
];

/// Whether a set is there.
#[derive(Debug)]
pub enum IdxSetState {
    /// In none of the places where it is looked for; the first of them.
    Absent(PathBuf),
    /// The four files are those that were published.
    Sound(PathBuf),
    /// There is a folder, but nothing to compare its files with.
    Unchecked(PathBuf),
    /// A file that is missing, can't be read, or is another than was published.
    Faulty { file: PathBuf, why: String },
}

impl IdxSet {
    /// Looks for the set in the data folder, then where a package puts it, and compares its files with what was published.
    pub fn state(&self, data: &DataFolder) -> IdxSetState {
        let own = data.path().join(self.name);
        let places = [Some(own.clone()), self.system_folder.map(PathBuf::from)];
        let Some(folder) = places.into_iter().flatten().find(|folder| folder.is_dir()) else {
            return IdxSetState::Absent(own);
        };
        let Some(published) = self.md5 else { return IdxSetState::Unchecked(folder) };
        for (name, expected) in FILES.iter().zip(published) {
            let file = folder.join(name);
            let plain = folder.join(name.trim_end_matches(".gz"));
            match check(&file, expected) {
                Ok(()) => {}
                // The digests are those of the packed files.
                Err(_) if !file.exists() && plain.is_file() => return IdxSetState::Unchecked(folder),
                Err(why) => return IdxSetState::Faulty { file, why },
            }
        }
        IdxSetState::Sound(folder)
    }
}

fn check(file: &Path, expected: &str) -> Result<(), String> {
    let found = if file.is_file() { md5_of(file) } else { Err(io::Error::from(io::ErrorKind::NotFound)) };
    match found {
        Ok(found) if found == expected => Ok(()),
        Ok(found) => Err(format!("its MD5 is {found}, not {expected}")),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_set_of_files_is_compared_with_its_published_digests() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path()).unwrap();
        // MD5 of nothing, and of one byte.
        let empty = "d41d8cd98f00b204e9800998ecf8427e";
        let set = IdxSet { system_folder: None, md5: Some([empty; 4]), ..IDX_SETS[0] };
        assert!(matches!(set.state(&data), IdxSetState::Absent(_)));
        let below = folder.path().join("fashion-mnist");
        fs::create_dir(&below).unwrap();
        let is_faulty = |word: &str| match set.state(&data) {
            IdxSetState::Faulty { file, why } => format!("{}: {why}", file.display()).contains(word),
            _ => false,
        };
        assert!(is_faulty("train-images"));
        for name in FILES {
            fs::write(below.join(name), "").unwrap();
        }
        assert!(matches!(set.state(&data), IdxSetState::Sound(_)));
        fs::write(below.join(FILES[2]), "a").unwrap();
        assert!(is_faulty("t10k-images-idx3-ubyte.gz: its MD5 is 0cc175b9c0f1b6a831c399e269772661"));
        for name in FILES {
            fs::rename(below.join(name), below.join(name.trim_end_matches(".gz"))).unwrap();
        }
        assert!(matches!(set.state(&data), IdxSetState::Unchecked(_)));
        fs::create_dir(folder.path().join("emnist")).unwrap();
        assert!(matches!(IDX_SETS[2].state(&data), IdxSetState::Unchecked(_)));
    }
}
