//! The kernel's lines as they come, with a deadline that loses no half-read line.

use protocol::{ServerLine, Unreadable};
use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

pub(super) struct Lines {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// How much of the buffer is known to hold no line's end.
    searched: usize,
}

pub(super) enum Heard {
    Line(ServerLine),
    /// Nothing came before the deadline.
    Nothing,
    /// The connection is closed.
    End,
    /// A line that is none of the protocol's.
    Unreadable(Unreadable),
}

impl Lines {
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, buffer: Vec::new(), searched: 0 }
    }

    pub fn next(&mut self, deadline: Option<Instant>) -> Heard {
        loop {
            if let Some(at) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=self.searched + at).collect();
                self.searched = 0;
                return match serde_json::from_slice(&line) {
                    Ok(line) => Heard::Line(line),
                    Err(_) => Heard::Unreadable(Unreadable::of(&line)),
                };
            }
            self.searched = self.buffer.len();
            // A timeout of zero means none at all to the system.
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
            if self.stream.set_read_timeout(left).is_err() {
                return Heard::End;
            }
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Heard::End,
                Ok(read) => self.buffer.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if deadline.is_some_and(|at| Instant::now() >= at) {
                        return Heard::Nothing;
                    }
                }
                Err(_) => return Heard::End,
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
    fn a_line_cut_by_a_deadline_is_read_whole_later() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut lines = Lines::new(ours);
        theirs.write_all(br#"{"id":1,"rep"#).unwrap();
        assert!(matches!(lines.next(Some(Instant::now())), Heard::Nothing));
        theirs.write_all(b"ly\":\"done\"}\nrubbish\n").unwrap();
        assert!(matches!(lines.next(None), Heard::Line(ServerLine::Reply { id: 1, reply: Reply::Done })));
        assert!(matches!(lines.next(None), Heard::Unreadable(_)));
        drop(theirs);
        assert!(matches!(lines.next(None), Heard::End));
    }
}
