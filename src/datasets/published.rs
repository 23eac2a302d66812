//! Files whose contents were published, and their check.

use super::DataFolder;
use md5::Md5;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What was published of a file.
#[derive(Clone, Copy, Debug)]
pub struct PublishedFile {
    pub name: &'static str,
    pub bytes: u64,
    /// As its author published it.
    pub md5: &'static str,
    /// Of a file with this MD5.
    pub sha256: &'static str,
}

/// A data set as it was published.
#[derive(Clone, Copy, Debug)]
pub struct PublishedSet {
    /// In running text: `CIFAR-10`.
    pub title: &'static str,
    /// Its name for `relu data` and for `data=`.
    pub name: &'static str,
    /// Its folder in the data folder.
    pub folder: &'static str,
    pub files: &'static [PublishedFile],
}

/// What is wrong with a set's files, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    #[error("{title} is not in {folder}; `relu data {name}` gets it", folder = .folder.display())]
    Absent { title: &'static str, name: &'static str, folder: PathBuf },
    #[error("{folder} has no {}; `relu data {name}` gets it", .missing.join(", no "), folder = .folder.display())]
    Incomplete { name: &'static str, folder: PathBuf, missing: Vec<&'static str> },
    #[error("{path} can't be read ({source}); check the path and its permissions", path = .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} is a folder, a pipe or a device where a file belongs; move it away", path = .path.display())]
    NotAFile { path: PathBuf },
    #[error(
        "{path} belongs to the user {owner}, who could change it; copy it to a folder of yours, or set RELU_DATA to another",
        path = .path.display()
    )]
    NotYours { path: PathBuf, owner: u32 },
    #[error("{path} is not the published file: {why}; `relu data {name}` gets it anew", path = .path.display())]
    Differs { name: &'static str, path: PathBuf, why: String },
}

/// Whether nobody but this user and root can change it.
fn check_owner(path: &Path, meta: &Metadata) -> Result<(), SetError> {
    let owner = meta.uid();
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(SetError::NotYours { path: path.to_owned(), owner })
}

impl PublishedFile {
    /// Compares contents with what was published.
    ///
    /// # Errors
    /// In what they differ.
    pub fn check(&self, bytes: &[u8]) -> Result<(), String> {
        self.check_length(bytes.len() as u64)?;
        self.check_sha256(bytes)?;
        let md5 = hex(&Md5::digest(bytes));
        if md5 == self.md5 { Ok(()) } else { Err(format!("its MD5 is {md5}, not {}", self.md5)) }
    }

    fn check_length(&self, bytes: u64) -> Result<(), String> {
        if bytes == self.bytes { Ok(()) } else { Err(format!("it has {bytes} bytes, not {}", self.bytes)) }
    }

    fn check_sha256(&self, bytes: &[u8]) -> Result<(), String> {
        let found = hex(&Sha256::digest(bytes));
        if found == self.sha256 { Ok(()) } else { Err(format!("its sha256 is {found}, not {}", self.sha256)) }
    }
}

impl PublishedSet {
    /// The folder of its files.
    pub fn folder_in(&self, data: &DataFolder) -> PathBuf {
        data.path().join(self.folder)
    }

    /// Whether its files are there with their lengths, and nobody else can change them. Their contents are compared when
    /// they are read.
    pub fn examine(&self, data: &DataFolder) -> Result<(), SetError> {
        let folder = self.folder_in(data);
        let unreadable = |path: &Path, source| SetError::Unreadable { path: path.to_owned(), source };
        match fs::metadata(&folder) {
            Ok(meta) => check_owner(&folder, &meta)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SetError::Absent { title: self.title, name: self.name, folder });
            }
            Err(error) => return Err(unreadable(&folder, error)),
        }
        let missing: Vec<&str> =
            self.files.iter().map(|file| file.name).filter(|name| !folder.join(name).exists()).collect();
        if missing.len() == self.files.len() {
            return Err(SetError::Absent { title: self.title, name: self.name, folder });
        }
        if !missing.is_empty() {
            return Err(SetError::Incomplete { name: self.name, folder, missing });
        }
        for file in self.files {
            let path = folder.join(file.name);
            let meta = fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
            self.check_meta(file, &path, &meta)?;
        }
        Ok(())
    }

    fn check_meta(&self, file: &PublishedFile, path: &Path, meta: &Metadata) -> Result<(), SetError> {
        if !meta.is_file() {
            return Err(SetError::NotAFile { path: path.to_owned() });
        }
        check_owner(path, meta)?;
        file.check_length(meta.len()).map_err(|why| self.differs(path, why))
    }

    fn differs(&self, path: &Path, why: String) -> SetError {
        SetError::Differs { name: self.name, path: path.to_owned(), why }
    }

    /// A file's contents, whose sha256 is the published one.
    pub fn read(&self, data: &DataFolder, file: &PublishedFile) -> Result<Vec<u8>, SetError> {
        let path = self.folder_in(data).join(file.name);
        let unreadable = |source| SetError::Unreadable { path: path.clone(), source };
        // Reading a pipe might never begin; what is opened is looked at again, because it may have been replaced.
        let meta = fs::metadata(&path).map_err(unreadable)?;
        self.check_meta(file, &path, &meta)?;
        let opened = File::open(&path).map_err(unreadable)?;
        self.check_meta(file, &path, &opened.metadata().map_err(unreadable)?)?;
        let mut bytes = Vec::with_capacity(file.bytes as usize);
        opened.take(file.bytes).read_to_end(&mut bytes).map_err(unreadable)?;
        file.check_length(bytes.len() as u64)
            .and_then(|()| file.check_sha256(&bytes))
            .map_err(|why| self.differs(&path, why))?;
        Ok(bytes)
    }

    /// Reads and compares every file.
    pub fn verify(&self, data: &DataFolder) -> Result<(), SetError> {
        self.examine(data)?;
        self.files.iter().try_for_each(|file| self.read(data, file).map(drop))
    }
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The MD5 of a file that may be large.
pub(crate) fn md5_of(path: &Path) -> io::Result<String> {
    let mut md5 = Md5::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&md5.finalize()));
        }
        md5.update(&buffer[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cifar10::tests::{Tiny, tiny};
    use std::os::unix::fs::chown;

    #[test]
    fn every_reading_compares_with_what_was_published() {
        let Tiny { set, files } = tiny();
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path()).unwrap();
        let absent = set.examine(&data).unwrap_err().to_string();
        assert!(absent.contains("is not in ") && absent.contains("`relu data tiny` gets it"), "{absent}");
        let below = set.folder_in(&data);
        fs::create_dir(&below).unwrap();
        for (file, bytes) in set.files.iter().zip(&files) {
            fs::write(below.join(file.name), bytes).unwrap();
        }
        set.verify(&data).unwrap();
        assert_eq!(set.read(&data, &set.files[3]).unwrap(), files[3]);

        let path = below.join(set.files[3].name);
        let mut changed = files[3].clone();
        changed[5] ^= 1;
        fs::write(&path, &changed).unwrap();
        set.examine(&data).unwrap();
        let error = set.verify(&data).unwrap_err().to_string();
        assert!(error.contains("its sha256 is ") && error.contains("gets it anew"), "{error}");
        fs::write(&path, &files[3][1..]).unwrap();
        let error = set.examine(&data).unwrap_err().to_string();
        assert!(error.contains("it has 6145 bytes, not 6146"), "{error}");
        fs::remove_file(&path).unwrap();
        let error = set.examine(&data).unwrap_err().to_string();
        assert!(error.contains("has no data_batch_4.bin; `relu data tiny` gets it"), "{error}");
        fs::create_dir(&path).unwrap();
        assert!(matches!(set.examine(&data), Err(SetError::NotAFile { .. })));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &files[3]).unwrap();
        // Only root can give a file away.
        if chown(&path, Some(65534), None).is_ok() && rustix::process::geteuid().is_root() {
            let error = set.examine(&data).unwrap_err().to_string();
            assert!(error.contains("belongs to the user 65534"), "{error}");
        }
    }
}
