//! The IDX format of the MNIST files (`LeCun`, Cortes, Burges): a big-endian header, then bytes.
//!
//! A header is a claim, the file's length a fact: every size is checked against the bytes that are really there
//! before anything is allocated.

use flate2::bufread::GzDecoder;
use std::io::Read;
use std::path::Path;

const IMAGES_MAGIC: u32 = 0x0803;
const LABELS_MAGIC: u32 = 0x0801;
/// Pixels a side, as stored.
pub const STORED_SIDE: usize = 28;
/// No file of the four is larger than 47 MB; a compressed one that grows past this is not one of them.
const LARGEST: u64 = 64 << 20;

/// Grey images of 28x28 bytes, one after another.
#[derive(Debug, PartialEq, Eq)]
pub struct Images {
    pub count: usize,
    /// (count, 28, 28), 0 black to 255 white.
    pub pixels: Vec<u8>,
}

/// Digits 0 to 9, one an image.
#[derive(Debug, PartialEq, Eq)]
pub struct Labels(pub Vec<u8>);

/// What is wrong with a file, and what would help. Its `Display` is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    #[error("{file}: can't be read ({source}); check the path and its permissions")]
    Unreadable { file: String, source: std::io::Error },
    #[error("{file}: is {kind}; give the four MNIST files, plain or .gz")]
    NotAFile { file: String, kind: &'static str },
    #[error("{file}: its gzip stream is damaged or cut off ({source}); fetch it anew")]
    Gzip { file: String, source: std::io::Error },
    #[error("{file}: is larger than any MNIST-like file (64 MiB); is it the right one?")]
    TooLarge { file: String },
    #[error("{file}: holds {found}, where {expected} belong; are two files swapped?")]
    Swapped { file: String, expected: &'static str, found: &'static str },
    #[error("{file}: is no IDX file of bytes (it begins with {magic:#010x}); give the four MNIST files, plain or .gz")]
    NotIdx { file: String, magic: u32 },
    #[error("{file}: has images of {rows}x{columns}, 28x28 are needed")]
    WrongSide { file: String, rows: u32, columns: u32 },
    #[error("{file}: its header promises {promised} bytes, {found} are there; it is {verdict}. Fetch it anew")]
    WrongLength { file: String, promised: u64, found: u64, verdict: &'static str },
    #[error("{file}: is empty: its header counts no items")]
    Empty { file: String },
    #[error("{file}: label {at} is {label}; labels are 0 to 9")]
    BadLabel { file: String, at: usize, label: u8 },
}

/// What begins every member of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a file's bytes; a gzip file is known by its first two bytes, not by its name.
pub fn read_file(path: &Path) -> Result<Vec<u8>, IdxError> {
    check_kind(path)?;
    let file = path.display().to_string();
    let unreadable = |source| IdxError::Unreadable { file: file.clone(), source };
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(unreadable)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.starts_with(&GZIP_MAGIC) {
        bytes = gunzip(&bytes).map_err(|source| IdxError::Gzip { file: file.clone(), source })?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(IdxError::TooLarge { file });
    }
    Ok(bytes)
}

/// Refuses what is no regular file: a pipe or a device might never begin, or never end.
pub fn check_kind(path: &Path) -> Result<(), IdxError> {
    let file = path.display().to_string();
    match std::fs::metadata(path).map(|meta| meta.file_type()) {
        Err(source) => Err(IdxError::Unreadable { file, source }),
        Ok(kind) if kind.is_file() => Ok(()),
        Ok(kind) if kind.is_dir() => Err(IdxError::NotAFile { file, kind: "a folder" }),
        Ok(_) => Err(IdxError::NotAFile { file, kind: "a pipe or a device, not a file" }),
    }
}

/// Unpacks every member of a gzip file (RFC 1952, section 2.2: they stand one behind the other), and passes over what
/// follows them that is none, as gunzip does: archives on tape end in zeros. No more than one byte beyond the limit.
fn gunzip(mut packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    while packed.starts_with(&GZIP_MAGIC) && plain.len() as u64 <= LARGEST {
        let mut member = GzDecoder::new(packed);
        member.by_ref().take(LARGEST + 1 - plain.len() as u64).read_to_end(&mut plain)?;
        if plain.len() as u64 <= LARGEST {
            packed = member.into_inner();
        }
    }
    Ok(plain)
}

impl Images {
    /// Parses the bytes of an image file; `file` is its name in errors.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, IdxError> {
        let [count, rows, columns] = header::<3>(file, bytes, IMAGES_MAGIC)?;
        if (rows as usize, columns as usize) != (STORED_SIDE, STORED_SIDE) {
            return Err(IdxError::WrongSide { file: file.into(), rows, columns });
        }
        let pixels = body(file, &bytes[16..], u64::from(count) * u64::from(rows) * u64::from(columns))?;
        Ok(Self { count: count as usize, pixels: pixels.to_vec() })
    }
}

impl Labels {
    /// Parses the bytes of a label file; `file` is its name in errors.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, IdxError> {
        let [count] = header::<1>(file, bytes, LABELS_MAGIC)?;
        let labels = body(file, &bytes[8..], u64::from(count))?;
        if let Some(at) = labels.iter().position(|&label| label > 9) {
            return Err(IdxError::BadLabel { file: file.into(), at, label: labels[at] });
        }
        Ok(Self(labels.to_vec()))
    }
}

/// The `N` sizes behind the magic number.
fn header<const N: usize>(file: &str, bytes: &[u8], expected: u32) -> Result<[u32; N], IdxError> {
    let word = |at: usize| Some(u32::from_be_bytes(bytes.get(4 * at..4 * at + 4)?.try_into().ok()?));
    let kind = |magic| if magic == IMAGES_MAGIC { "images" } else { "labels" };
    let short = || IdxError::WrongLength {
        file: file.into(),
        promised: 4 * (N as u64 + 1),
        found: bytes.len() as u64,
        verdict: "truncated",
    };
    match word(0).ok_or_else(short)? {
        magic if magic == expected => {}
        magic @ (IMAGES_MAGIC | LABELS_MAGIC) => {
            return Err(IdxError::Swapped { file: file.into(), expected: kind(expected), found: kind(magic) });
        }
        magic => return Err(IdxError::NotIdx { file: file.into(), magic }),
    }
    let mut sizes = [0; N];
    for (at, size) in sizes.iter_mut().enumerate() {
        *size = word(at + 1).ok_or_else(short)?;
    }
    Ok(sizes)
}

fn body<'b>(file: &str, bytes: &'b [u8], promised: u64) -> Result<&'b [u8], IdxError> {
    let found = bytes.len() as u64;
    match promised {
        0 => Err(IdxError::Empty { file: file.into() }),
        _ if promised == found => Ok(bytes),
        _ => {
            let verdict = if promised > found { "truncated, or its header is damaged" } else { "oversized" };
            Err(IdxError::WrongLength { file: file.into(), promised, found, verdict })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn images(count: u32, rows: u32, columns: u32, bytes: usize) -> Vec<u8> {
        let words = [IMAGES_MAGIC, count, rows, columns];
        let mut file: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
        file.resize(16 + bytes, 7);
        file
    }

    fn labels(values: &[u8]) -> Vec<u8> {
        let mut file: Vec<u8> = [LABELS_MAGIC, values.len() as u32].iter().flat_map(|w| w.to_be_bytes()).collect();
        file.extend(values);
        file
    }

    #[test]
    fn good_files_read() {
        assert_eq!(Images::parse("i", &images(2, 28, 28, 1568)).unwrap().count, 2);
        assert_eq!(Labels::parse("l", &labels(&[0, 9])).unwrap(), Labels(vec![0, 9]));
    }

    #[test]
    fn damage_is_named() {
        let cases: [(Vec<u8>, &str); 8] = [
            (images(2, 28, 28, 1567), "truncated"),
            (images(2, 28, 28, 1569), "oversized"),
            (images(u32::MAX, 28, 28, 784), "truncated"),
            (images(u32::MAX, u32::MAX, u32::MAX, 784), "28x28"),
            (images(0, 28, 28, 0), "empty"),
            (labels(&[1, 2]), "swapped"),
            (b"\x00\x00".to_vec(), "truncated"),
            (b"PK\x03\x04....".to_vec(), "no IDX"),
        ];
        for (bytes, word) in cases {
            let error = Images::parse("train-images", &bytes).unwrap_err().to_string();
            assert!(error.contains(word) && error.starts_with("train-images"), "{error}");
        }
        assert!(Labels::parse("l", &labels(&[3, 10])).unwrap_err().to_string().contains("label 1 is 10"));
        assert!(Labels::parse("l", &images(1, 28, 28, 784)).unwrap_err().to_string().contains("swapped"));
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap()
    }

    #[test]
    fn gzip_is_known_by_content_and_read_to_its_last_member() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no-suffix");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_file(&path)
        };
        let plain = labels(&[4, 5, 6, 7]);
        assert_eq!(read(&gzip(&plain)).unwrap(), plain);
        let members: Vec<u8> = plain.chunks(3).flat_map(gzip).collect();
        assert_eq!(read(&members).unwrap(), plain);
        assert_eq!(read(&[gzip(&plain), gzip(&[]), vec![0; 512]].concat()).unwrap(), plain);
        let cut = read(&members[..members.len() - 5]).unwrap_err().to_string();
        assert!(cut.contains("no-suffix: its gzip stream is damaged or cut off"), "{cut}");
        let bomb = gzip(&vec![0; LARGEST as usize / 2 + 1]).repeat(2);
        assert!(matches!(read(&bomb), Err(IdxError::TooLarge { .. })));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("train-images-idx3-ubyte");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for (path, word) in [(&*pipe, "a pipe"), (folder.path(), "a folder"), (Path::new("/dev/zero"), "a pipe or")] {
            let why = read_file(path).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Images::parse("i", &bytes);
            let _ = Labels::parse("l", &bytes);
        }
    }
}
