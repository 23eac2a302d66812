//! Fetches a file by curl, and goes on where a broken download ended.

use super::{GetError, Step};
use crate::published::hex;
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

/// How often the part that has arrived is measured.
const POLL: Duration = Duration::from_millis(100);
/// Tries in a row that bring nothing.
const MOST_TRIES_IN_VAIN: u32 = 2;

/// Curl's exit codes (its manual page, "Exit codes").
mod exit {
    /// The server answered with an error.
    pub const HTTP_ERROR: i32 = 22;
    /// The server can't send a part of the file.
    pub const NO_RANGES: i32 = 33;
    /// The transfer ended early: a partial file, a time-out, an empty answer, a receive error, an error of HTTP/2's framing,
    /// a broken stream.
    pub const BROKEN: [i32; 6] = [18, 28, 52, 56, 16, 92];
}

/// Fetches a file into a folder, where a part of it may lie already. Returns its path.
///
/// # Errors
/// Why it can't be fetched. What has arrived stays for the next try.
pub fn fetch(url: &str, folder: &Path, tell: &mut dyn FnMut(Step)) -> Result<PathBuf, GetError> {
    // Two addresses never share a part.
    let name = &hex(&Sha256::digest(url))[..16];
    let (part, head) = (folder.join(format!("{name}.part")), folder.join(format!("{name}.head")));
    let length = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
    let mut tries_in_vain = 0;
    loop {
        let before = length(&part);
        let _ = fs::remove_file(&head);
        let mut child = start(url, &part, &head)?;
        let status = loop {
            let ended =
                child.try_wait().map_err(|source| GetError::Download { url: url.into(), why: source.to_string() })?;
            let total = fs::read(&head).ok().and_then(|head| Answer::parse(&head).total);
            tell(Step::Download { from: url.into(), done: length(&part), total });
            match ended {
                Some(status) => break status,
                None => thread::sleep(POLL),
            }
        };
        let answer = Answer::parse(&fs::read(&head).unwrap_or_default());
        let _ = fs::remove_file(&head);
        let why = error_of(&mut child, status);
        let fault = |why| Err(GetError::Download { url: url.into(), why });
        match status.code() {
            Some(0) if length(&part) == 0 => return fault("it is empty".into()),
            Some(0) => return Ok(part),
            // All of it had arrived; its contents are compared by the caller.
            Some(exit::HTTP_ERROR) if answer.status == Some(416) && before > 0 => return Ok(part),
            Some(exit::NO_RANGES) if before > 0 => {
                let _ = fs::remove_file(&part);
            }
            Some(code) if exit::BROKEN.contains(&code) => {
                tries_in_vain = if length(&part) > before { 0 } else { tries_in_vain + 1 };
                if tries_in_vain == MOST_TRIES_IN_VAIN {
                    return fault(format!("{why}; what has arrived stays, and the next try goes on from there"));
                }
            }
            _ => return fault(why),
        }
    }
}

fn start(url: &str, part: &Path, head: &Path) -> Result<Child, GetError> {
    let mut curl = Command::new("curl");
    // A settings file of the reader's could change what is printed.
    curl.args(["--disable", "--location", "--fail", "--silent", "--show-error", "--continue-at", "-"]);
    // A loopback address is never behind a proxy.
    curl.args(["--noproxy", "127.0.0.1,localhost", "--connect-timeout", "30"]);
    // Less than this for a minute is a line that has died.
    curl.args(["--speed-limit", "1000", "--speed-time", "60"]);
    curl.arg("--dump-header").arg(head).arg("--output").arg(part).args(["--url", url]);
    let started = curl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    started.map_err(|source| GetError::NoProgram {
        program: "curl",
        source,
        remedy: "install curl, or fetch the file by other means",
    })
}

/// Curl's own words, without its name.
fn error_of(child: &mut Child, status: ExitStatus) -> String {
    let mut text = String::new();
    if let Some(stderr) = &mut child.stderr {
        let _ = io::Read::read_to_string(stderr, &mut text);
    }
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.map_or_else(|| format!("curl ended with {status}"), |line| line.trim_start_matches("curl: ").to_owned())
}

/// What the last answer's head says; a redirection has one before it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    status: Option<u16>,
    /// The whole file's length.
    total: Option<u64>,
}

impl Answer {
    fn parse(head: &[u8]) -> Self {
        let mut answer = Self::default();
        for line in String::from_utf8_lossy(head).lines() {
            if line.starts_with("HTTP/") {
                answer = Self { status: line.split(' ').nth(1).and_then(|code| code.parse().ok()), total: None };
                continue;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            match name.to_ascii_lowercase().as_str() {
                "content-length" if answer.status == Some(200) => answer.total = value.trim().parse().ok(),
                "content-range" => {
                    answer.total = value.rsplit_once('/').and_then(|(_, total)| total.trim().parse().ok());
                }
                _ => {}
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let head = b"HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nHTTP/2 206\r\ncontent-length: 70\r\ncontent-range: bytes 30-99/100\r\n\r\n";
        assert_eq!(Answer::parse(head), Answer { status: Some(206), total: Some(100) });
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n";
        assert_eq!(Answer::parse(whole), Answer { status: Some(200), total: Some(42) });
        assert_eq!(Answer::parse(b""), Answer::default());
    }
}
