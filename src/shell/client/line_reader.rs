//! Reads the kernel's lines with a deadline. A line that is incomplete at the deadline is not lost.

use protocol::{ServerLine, Unreadable};
use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

pub(super) struct LineReader {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// How many bytes of the buffer are known to contain no line feed.
    searched: usize,
}

pub(super) enum ReadLine {
    Line(ServerLine),
    /// No complete line came before the deadline.
    TimedOut,
    /// The connection is closed.
    Closed,
    /// A line that is not of the protocol.
    Unreadable(Unreadable),
}

impl LineReader {
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, buffer: Vec::new(), searched: 0 }
    }

    pub fn next(&mut self, deadline: Option<Instant>) -> ReadLine {
        loop {
            if let Some(at) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=self.searched + at).collect();
                self.searched = 0;
                return match serde_json::from_slice(&line) {
                    Ok(line) => ReadLine::Line(line),
                    Err(_) => ReadLine::Unreadable(Unreadable::of(&line)),
                };
            }
            self.searched = self.buffer.len();
            // The system takes a timeout of zero as none.
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
            if self.stream.set_read_timeout(left).is_err() {
                return ReadLine::Closed;
            }
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return ReadLine::Closed,
                Ok(read) => self.buffer.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if deadline.is_some_and(|at| Instant::now() >= at) {
                        return ReadLine::TimedOut;
                    }
                }
                Err(_) => return ReadLine::Closed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Reply;
    use std::io::Write;

    #[test]
    fn a_line_that_is_incomplete_at_the_deadline_is_read_later() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut lines = LineReader::new(ours);
        theirs.write_all(br#"{"id":1,"rep"#).unwrap();
        assert!(matches!(lines.next(Some(Instant::now())), ReadLine::TimedOut));
        theirs.write_all(b"ly\":\"done\"}\nrubbish\n").unwrap();
        assert!(matches!(lines.next(None), ReadLine::Line(ServerLine::Reply { id: 1, reply: Reply::Done })));
        assert!(matches!(lines.next(None), ReadLine::Unreadable(_)));
        drop(theirs);
        assert!(matches!(lines.next(None), ReadLine::Closed));
    }
}
