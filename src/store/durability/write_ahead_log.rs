//! Reads SQLite's write-ahead log without SQLite. SQLite takes everything behind the first frame that does not match
//! its checksum for the rest of an older log and silently ignores it: one flipped bit would lose every later commit.
//!
//! The format is described in <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use crate::database::with_suffix;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// What is wrong with a log. An unfinished transaction at the end, left by a dying process, is no damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct LogDamage {
    /// The number of the first bad frame, from 1; `None` if the log's own header is damaged, so that SQLite sees no
    /// frames.
    pub frame: Option<u64>,
    pub frames: u64,
}

impl std::fmt::Display for LogDamage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.frame {
            Some(frame) => {
                write!(f, "frame {frame} of {} in its write-ahead log does not match its checksum", self.frames)
            }
            None => write!(f, "the header of its write-ahead log is damaged"),
        }
    }
}

/// Reads the log beside this database. `None` if it is valid or does not exist.
pub(in super::super) fn log_damage(database: &Path) -> io::Result<Option<LogDamage>> {
    let Some(found) = scan(database)? else { return Ok(None) };
    // A writer that restarted the log between two reads is no damage, and a second read does not find the same damage.
    Ok(scan(database)?.filter(|again| *again == found))
}

fn scan(database: &Path) -> io::Result<Option<LogDamage>> {
    let Some(mut log) = Log::open(database)? else { return Ok(None) };
    let (mut first_bad, mut commit_behind) = (None, false);
    while let Some(frame) = log.next()? {
        match (first_bad, frame.sound) {
            (None, false) => first_bad = Some(log.number),
            // Valid frames behind the end that include a commit were written after the bad one. An unfinished
            // transaction of a dying process has no commit, and frames of an older log have another salt.
            (Some(_), true) => commit_behind |= frame.commits(),
            _ => {}
        }
    }
    let frames = log.number;
    if !log.header_sound {
        return Ok((frames > 0).then_some(LogDamage { frame: None, frames }));
    }
    Ok(first_bad.filter(|_| commit_behind).map(|frame| LogDamage { frame: Some(frame), frames }))
}

/// Which frames of a damaged log are used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// Those that match their checksums, also behind the bad one: a page that was bad in one frame is usually complete
    /// in a later one.
    Sound,
    /// The bad ones too: one flipped bit leaves most of a page readable, and every row has its own checksum.
    All,
}

/// Writes the database to `to` with these frames of the log applied.
pub(super) fn replay(database: &Path, to: &Path, frames: Frames) -> io::Result<()> {
    let image = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(database)?, &mut &image)?;
    let Some(mut log) = Log::open(database)? else { return Ok(()) };
    // Frames take effect at the next commit.
    let mut waiting: Vec<(u32, Vec<u8>)> = Vec::new();
    while let Some(frame) = log.next()? {
        if frame.usable || (frames == Frames::All && frame.is_of_this_log) {
            waiting.push((frame.page, log.page.clone()));
        }
        if frame.usable && frame.commits() {
            let size = u64::from(log.page_size);
            for (page, bytes) in waiting.drain(..).filter(|(page, _)| (1..=frame.pages).contains(page)) {
                image.write_all_at(&bytes, u64::from(page - 1) * size)?;
            }
            image.set_len(u64::from(frame.pages) * size)?;
        }
    }
    // The copy has no log, and the version numbers of a rollback journal keep SQLite from looking for one.
    image.write_all_at(&[1, 1], 18)?;
    (&image).flush()
}

struct Log {
    input: BufReader<File>,
    header_sound: bool,
    big_endian: bool,
    /// From the header, or from the first frame if the header is damaged.
    salts: Option<[u32; 2]>,
    page_size: u32,
    /// As stored in the previous frame, or in the header.
    checksum: (u32, u32),
    /// What the header's checksum should be, in case the stored one is damaged.
    computed: Option<(u32, u32)>,
    /// The number of the frame read last, from 1.
    number: u64,
    page: Vec<u8>,
}

struct Frame {
    /// Its salts are the log's, and its checksum follows from the previous frame's stored one. SQLite stops at the
    /// first frame for which this does not hold.
    sound: bool,
    /// One of its salts is the log's. A frame of an older log has neither.
    is_of_this_log: bool,
    /// Its checksum matches. A salt, which the checksum does not cover, may be damaged.
    usable: bool,
    page: u32,
    /// The database's size in pages after a frame that ends a transaction; 0 in all others.
    pages: u32,
}

impl Frame {
    fn commits(&self) -> bool {
        self.pages > 0
    }
}

impl Log {
    /// `None` if there is no log, or one without a complete header, as after a checkpoint.
    fn open(database: &Path) -> io::Result<Option<Self>> {
        let path = with_suffix(database, "-wal");
        match fs::metadata(&path) {
            Ok(meta) if meta.is_file() && meta.len() >= HEADER as u64 => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut input = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut header = [0; HEADER];
        if !filled(&mut input, &mut header)? {
            return Ok(None);
        }
        let big_endian = word(&header, 0) & 1 == 1;
        let checksum = (word(&header, 24), word(&header, 28));
        let page_size = word(&header, 8);
        let page_size_fits = (512..=65536).contains(&page_size) && page_size.is_power_of_two();
        let computed = sum(big_endian, (0, 0), &header[..24]);
        let header_sound = word(&header, 0) & !1 == 0x377f_0682 && page_size_fits && computed == checksum;
        Ok(Some(Self {
            input,
            header_sound,
            big_endian,
            salts: header_sound.then(|| [word(&header, 16), word(&header, 20)]),
            page_size: if page_size_fits { page_size } else { 4096 },
            checksum,
            computed: (!header_sound).then_some(computed),
            number: 0,
            page: Vec::new(),
        }))
    }

    /// `None` behind the last complete frame.
    fn next(&mut self) -> io::Result<Option<Frame>> {
        let mut header = [0; FRAME_HEADER];
        self.page.resize(self.page_size as usize, 0);
        if !filled(&mut self.input, &mut header)? || !filled(&mut self.input, &mut self.page)? {
            return Ok(None);
        }
        self.number += 1;
        let salts = [word(&header, 8), word(&header, 12)];
        let stored = (word(&header, 16), word(&header, 20));
        let follows = |before| sum(self.big_endian, sum(self.big_endian, before, &header[..8]), &self.page) == stored;
        let follows = follows(self.checksum) || self.computed.take().is_some_and(follows);
        self.checksum = stored;
        let (page, pages) = (word(&header, 0), word(&header, 4));
        let ours = *self.salts.get_or_insert(salts);
        let is_of_this_log = salts[0] == ours[0] || salts[1] == ours[1];
        Ok(Some(Frame {
            sound: salts == ours && follows,
            is_of_this_log,
            usable: is_of_this_log && follows,
            page,
            pages,
        }))
    }
}

/// Whether the input had enough bytes.
fn filled(input: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A number of the header, big-endian.
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// SQLite's checksum over words of 32 bits, continued from an earlier one.
fn sum(big_endian: bool, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let (words, _) = bytes.as_chunks::<4>();
    let read = |word: &[u8; 4]| if big_endian { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) };
    for pair in words.chunks_exact(2) {
        a = a.wrapping_add(read(&pair[0])).wrapping_add(b);
        b = b.wrapping_add(read(&pair[1])).wrapping_add(a);
    }
    (a, b)
}
