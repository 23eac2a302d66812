//! The IDX format of the MNIST files (`LeCun`, Cortes, Burges): a big-endian header, then bytes.
//!
//! A header may be wrong, the file's length is not: every size is checked against the bytes that really exist before
//! anything is allocated.

use super::{CLASSES, ImageShape, SIDES};
use flate2::bufread::GzDecoder;
use std::io::Read;
use std::path::Path;

/// Bytes in three dimensions: images, rows, columns.
const GREY_MAGIC: u32 = 0x0803;
/// Bytes in four dimensions: images, rows, columns, channels.
const COLOUR_MAGIC: u32 = 0x0804;
const LABELS_MAGIC: u32 = 0x0801;
/// Bytes of the largest header: a magic number and four sizes.
const HEADER: u64 = 20;

/// Images of one shape, one after another.
#[derive(Debug, PartialEq, Eq)]
pub struct Images {
    pub shape: ImageShape,
    /// (count, height, width, channels), 0 black to 255 white.
    pub pixels: Vec<u8>,
}

/// Classes, counted from 0, one an image.
#[derive(Debug, PartialEq, Eq)]
pub struct Labels(pub Vec<u8>);

/// What is wrong with a file, and the remedy. Its `Display` is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    #[error("{file}: can't be read ({source}); check the path and its permissions")]
    Unreadable { file: String, source: std::io::Error },
    #[error("{file}: is {kind}; give the four IDX files, plain or .gz")]
    NotAFile { file: String, kind: &'static str },
    #[error("{file}: its gzip stream is damaged or cut off ({source}); fetch it anew")]
    Gzip { file: String, source: std::io::Error },
    #[error("{file}: holds {found}, where {expected} belong; are two files swapped?")]
    Swapped { file: String, expected: &'static str, found: &'static str },
    #[error("{file}: is no IDX file of bytes (it begins with {magic:#010x}); give the four IDX files, plain or .gz")]
    NotIdx { file: String, magic: u32 },
    #[error(
        "{file}: has images of {rows}x{columns}; sides of {} to {} pixels can be used, so scale them",
        SIDES.start(), SIDES.end()
    )]
    WrongSide { file: String, rows: u32, columns: u32 },
    #[error("{file}: its pixels have {channels} channels; 3 (red, green, blue) can be used, or none for grey")]
    WrongChannels { file: String, channels: u32 },
    #[error("{file}: its header promises {body_len} bytes, {found} are there; it is {verdict}. Fetch it anew")]
    WrongLength { file: String, body_len: u64, found: u64, verdict: &'static str },
    #[error("{file}: is empty: its header counts no items")]
    Empty { file: String },
    #[error("{file}: label {at} is {label}; labels are 0 to {}", CLASSES.end() - 1)]
    BadLabel { file: String, at: usize, label: u8 },
}

/// The first bytes of every member of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads the plain bytes of an IDX file up to the end of `most` items, or one byte more than the file should have if it
/// has fewer. A gzip file is recognised by its first two bytes, not by its name.
pub fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, IdxError> {
    let file = path.display().to_string();
    let limit = match Header::parse(&file, &read_up_to(path, HEADER)?) {
        Ok(header) => header.len() as u64 + header.body_len(most) + 1,
        // The parser reports what is wrong.
        Err(_) => HEADER,
    };
    read_up_to(path, limit)
}

fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, IdxError> {
    check_kind(path)?;
    let file = path.display().to_string();
    let unreadable = |source| IdxError::Unreadable { file: file.clone(), source };
    // Deflate lengthens bytes that it can't compress by five in 16 KB (RFC 1951, section 3.2.4), and a member has its
    // own header.
    let packed = limit + limit / 1000 + (1 << 20);
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(unreadable)?.take(packed).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.starts_with(&GZIP_MAGIC) {
        return gunzip(&bytes, limit).map_err(|source| IdxError::Gzip { file, source });
    }
    bytes.truncate(limit as usize);
    Ok(bytes)
}

/// Refuses anything but a regular file: reading a pipe or a device might never begin, or never end.
pub fn check_kind(path: &Path) -> Result<(), IdxError> {
    let file = path.display().to_string();
    match std::fs::metadata(path).map(|meta| meta.file_type()) {
        Err(source) => Err(IdxError::Unreadable { file, source }),
        Ok(kind) if kind.is_file() => Ok(()),
        Ok(kind) if kind.is_dir() => Err(IdxError::NotAFile { file, kind: "a folder" }),
        Ok(_) => Err(IdxError::NotAFile { file, kind: "a pipe or a device, not a file" }),
    }
}

/// Unpacks every member of a gzip file (RFC 1952, section 2.2: they follow each other) up to a number of bytes. Ignores
/// what follows them and is no member, as gunzip does: archives on tape end in zeros.
fn gunzip(mut packed: &[u8], limit: u64) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    while packed.starts_with(&GZIP_MAGIC) && (plain.len() as u64) < limit {
        let mut member = GzDecoder::new(packed);
        member.by_ref().take(limit - plain.len() as u64).read_to_end(&mut plain)?;
        if (plain.len() as u64) < limit {
            packed = member.into_inner();
        }
    }
    Ok(plain)
}

impl Images {
    /// Parses the bytes of an image file, no more than `most` images; `file` is its name in errors.
    pub fn parse(file: &str, bytes: &[u8], most: usize) -> Result<Self, IdxError> {
        let header = Header::of_kind(file, bytes, Kind::Images)?;
        let [_, rows, columns, channels] = header.sizes;
        if header.kind == Kind::Images && header.dimensions == 4 && channels != 3 {
            return Err(IdxError::WrongChannels { file: file.into(), channels });
        }
        if ![rows, columns].iter().all(|&side| SIDES.contains(&(side as usize))) {
            return Err(IdxError::WrongSide { file: file.into(), rows, columns });
        }
        let shape = ImageShape { channels: channels as usize, height: rows as usize, width: columns as usize };
        Ok(Self { shape, pixels: header.body(file, bytes, most)?.to_vec() })
    }

    pub fn count(&self) -> usize {
        self.pixels.len() / self.shape.len()
    }
}

impl Labels {
    /// Parses the bytes of a label file, no more than `most` labels; `file` is its name in errors.
    pub fn parse(file: &str, bytes: &[u8], most: usize) -> Result<Self, IdxError> {
        let labels = Header::of_kind(file, bytes, Kind::Labels)?.body(file, bytes, most)?;
        if let Some(at) = labels.iter().position(|&label| usize::from(label) >= *CLASSES.end()) {
            return Err(IdxError::BadLabel { file: file.into(), at, label: labels[at] });
        }
        Ok(Self(labels.to_vec()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Images,
    Labels,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Labels => "labels",
        }
    }
}

/// The header of a file.
struct Header {
    kind: Kind,
    dimensions: usize,
    /// The number of items, then the sides of one; 1 for a dimension that does not exist.
    sizes: [u32; 4],
}

impl Header {
    fn parse(file: &str, bytes: &[u8]) -> Result<Self, IdxError> {
        let word = |at: usize| Some(u32::from_be_bytes(bytes.get(4 * at..4 * at + 4)?.try_into().ok()?));
        let short = |dimensions: u64| IdxError::WrongLength {
            file: file.into(),
            body_len: 4 * (dimensions + 1),
            found: bytes.len() as u64,
            verdict: "truncated",
        };
        let (kind, dimensions) = match word(0).ok_or_else(|| short(1))? {
            GREY_MAGIC => (Kind::Images, 3),
            COLOUR_MAGIC => (Kind::Images, 4),
            LABELS_MAGIC => (Kind::Labels, 1),
            magic => return Err(IdxError::NotIdx { file: file.into(), magic }),
        };
        let mut sizes = [1; 4];
        for (at, size) in sizes.iter_mut().take(dimensions).enumerate() {
            *size = word(at + 1).ok_or_else(|| short(dimensions as u64))?;
        }
        Ok(Self { kind, dimensions, sizes })
    }

    fn of_kind(file: &str, bytes: &[u8], expected: Kind) -> Result<Self, IdxError> {
        let header = Self::parse(file, bytes)?;
        if header.kind != expected {
            let (expected, found) = (expected.name(), header.kind.name());
            return Err(IdxError::Swapped { file: file.into(), expected, found });
        }
        Ok(header)
    }

    /// The number of its own bytes.
    fn len(&self) -> usize {
        4 * (self.dimensions + 1)
    }

    /// Bytes of the first `most` items, or of all if there are fewer.
    fn body_len(&self, most: usize) -> u64 {
        let [items, rest @ ..] = self.sizes;
        // Three such sides may exceed 64 bits.
        rest.iter().fold(u64::from(items).min(most as u64), |bytes, &side| bytes.saturating_mul(side.into()))
    }

    /// Those bytes. A file with all of its items must end with them.
    fn body<'b>(&self, file: &str, bytes: &'b [u8], most: usize) -> Result<&'b [u8], IdxError> {
        let (bytes, body_len) = (&bytes[self.len()..], self.body_len(most));
        let found = bytes.len() as u64;
        match body_len {
            0 => Err(IdxError::Empty { file: file.into() }),
            _ if body_len == found => Ok(bytes),
            _ if body_len < found && self.sizes[0] as usize > most => Ok(&bytes[..body_len as usize]),
            _ => {
                let verdict = if body_len > found { "truncated, or its header is damaged" } else { "oversized" };
                Err(IdxError::WrongLength { file: file.into(), body_len, found, verdict })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const ALL: usize = 60_000;

    fn images(count: u32, rows: u32, columns: u32, bytes: usize) -> Vec<u8> {
        let words = [GREY_MAGIC, count, rows, columns];
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
        assert_eq!(Images::parse("i", &images(2, 28, 28, 1568), ALL).unwrap().count(), 2);
        assert_eq!(Labels::parse("l", &labels(&[0, 99]), ALL).unwrap(), Labels(vec![0, 99]));
        let odd = Images::parse("i", &images(3, 8, 64, 3 * 8 * 64), ALL).unwrap();
        assert_eq!((odd.count(), odd.shape), (3, ImageShape { channels: 1, height: 8, width: 64 }));
        let colour = Images::parse("i", &colour(2, 3, 2 * 9 * 10 * 3), ALL).unwrap();
        assert_eq!((colour.count(), colour.shape), (2, ImageShape { channels: 3, height: 9, width: 10 }));
    }

    /// Images of 9x10.
    fn colour(count: u32, channels: u32, bytes: usize) -> Vec<u8> {
        let mut file: Vec<u8> = [COLOUR_MAGIC, count, 9, 10, channels].iter().flat_map(|w| w.to_be_bytes()).collect();
        file.resize(20 + bytes, 7);
        file
    }

    #[test]
    fn no_more_items_are_read_than_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images");
        for bytes in [images(5, 28, 28, 5 * 784), gzip(&images(5, 28, 28, 5 * 784))] {
            std::fs::write(&path, bytes).unwrap();
            let read = read_file(&path, 2).unwrap();
            assert_eq!(read.len(), 16 + 2 * 784 + 1);
            assert_eq!(Images::parse("i", &read, 2).unwrap().count(), 2);
            let read = read_file(&path, 5).unwrap();
            assert_eq!(Images::parse("i", &read, 5).unwrap().count(), 5);
        }
    }

    #[test]
    fn damage_is_named() {
        let cases: [(Vec<u8>, &str); 10] = [
            (images(2, 28, 28, 1567), "truncated"),
            (images(2, 28, 28, 1569), "oversized"),
            (images(u32::MAX, 28, 28, 784), "truncated"),
            (images(u32::MAX, u32::MAX, u32::MAX, 784), "8 to 64"),
            (images(1, 7, 28, 196), "7x28"),
            (colour(1, 4, 360), "4 channels"),
            (images(0, 28, 28, 0), "empty"),
            (labels(&[1, 2]), "swapped"),
            (b"\x00\x00".to_vec(), "truncated"),
            (b"PK\x03\x04....".to_vec(), "no IDX"),
        ];
        for (bytes, word) in cases {
            let error = Images::parse("train-images", &bytes, ALL).unwrap_err().to_string();
            assert!(error.contains(word) && error.starts_with("train-images"), "{error}");
        }
        assert!(Labels::parse("l", &labels(&[3, 100]), ALL).unwrap_err().to_string().contains("label 1 is 100"));
        assert!(Labels::parse("l", &images(1, 28, 28, 784), ALL).unwrap_err().to_string().contains("swapped"));
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
            read_file(&path, ALL)
        };
        let plain = labels(&[4, 5, 6, 7]);
        assert_eq!(read(&gzip(&plain)).unwrap(), plain);
        let members: Vec<u8> = plain.chunks(3).flat_map(gzip).collect();
        assert_eq!(read(&members).unwrap(), plain);
        assert_eq!(read(&[gzip(&plain), gzip(&[]), vec![0; 512]].concat()).unwrap(), plain);
        let cut = read(&members[..members.len() - 5]).unwrap_err().to_string();
        assert!(cut.contains("no-suffix: its gzip stream is damaged or cut off"), "{cut}");
        // A small file that would unpack to a gigabyte: only what its header promises is read, and one byte more.
        let bomb = gzip(&[plain.clone(), vec![0; 1 << 20]].concat())
            .into_iter()
            .chain(gzip(&vec![0; 1 << 30]))
            .collect::<Vec<_>>();
        assert_eq!(read(&bomb).unwrap().len(), plain.len() + 1);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("train-images-idx3-ubyte");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for (path, word) in [(&*pipe, "a pipe"), (folder.path(), "a folder"), (Path::new("/dev/zero"), "a pipe or")] {
            let why = read_file(path, ALL).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Images::parse("i", &bytes, ALL);
            let _ = Labels::parse("l", &bytes, ALL);
        }
    }
}
