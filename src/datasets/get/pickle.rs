//! Reads a batch of CIFAR-10's Python version: a dictionary with `labels`, a list of numbers, and `data`, a numpy array of
//! bytes, pickled by Python 2 (protocol 2).
//!
//! A pickle is a program for a stack machine that may call any function. This machine calls none: what would be built by
//! a call is represented by its state. The opcodes are those of such a batch; any other is an error. Source: `pickletools`
//! of Python's standard library.

use std::collections::HashMap;
use std::rc::Rc;

#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    pub labels: Vec<u8>,
    pub pixels: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Value {
    Mark,
    /// Python 2's string, or the raw bytes of an array.
    Bytes(Rc<[u8]>),
    Number(i64),
    List(Vec<Value>),
    /// A tuple, which is the state of an array.
    Tuple(Vec<Value>),
    Dictionary(Vec<(Value, Value)>),
    /// None, a truth value, a name, or what a call would build.
    Other,
}

/// The batch in a pickle.
///
/// # Errors
/// If it is of another form.
pub fn read(bytes: &[u8]) -> Result<Batch, String> {
    let mut machine = Machine { rest: bytes, stack: Vec::new(), memory: HashMap::new(), containers: 0 };
    let Value::Dictionary(entries) = machine.run()? else { return Err("it is no pickled dictionary".into()) };
    let find = |wanted: &str| {
        let is_wanted = |key: &Value| matches!(key, Value::Bytes(name) if **name == *wanted.as_bytes());
        entries.iter().find(|(key, _)| is_wanted(key)).map(|(_, value)| value)
    };
    let labels = match find("labels") {
        Some(Value::List(labels)) => labels
            .iter()
            .map(|label| match label {
                Value::Number(label) => u8::try_from(*label).map_err(|_| format!("a label is {label}")),
                _ => Err("a label is no number".into()),
            })
            .collect::<Result<_, String>>()?,
        _ => return Err("it has no list `labels`".into()),
    };
    // An array's state is (version, shape, type, whether it is in columns, bytes).
    let pixels = match find("data") {
        Some(Value::Tuple(state)) => state.iter().rev().find_map(|part| match part {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }),
        _ => None,
    };
    Ok(Batch { labels, pixels: pixels.ok_or("it has no array `data`")? })
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memory: HashMap<u32, Value>,
    /// Lists, dictionaries and tuples so far.
    containers: u32,
}

/// A published batch has nine. Millions within one another would overflow the stack when they are dropped.
const MOST_CONTAINERS: u32 = 100;

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            match self.byte()? {
                b'.' => return self.pop(),
                0x80 => match self.byte()? {
                    1 | 2 => {}
                    other => return Err(format!("its pickle protocol is {other}; the published batches have 2")),
                },
                b'(' => self.stack.push(Value::Mark),
                b'N' | 0x88 | 0x89 => self.stack.push(Value::Other),
                b'K' => self.number(1)?,
                b'M' => self.number(2)?,
                b'J' => self.number(4)?,
                b'U' => self.string(1)?,
                b'T' => self.string(4)?,
                b']' => self.push_container(Value::List(Vec::new()))?,
                b'}' => self.push_container(Value::Dictionary(Vec::new()))?,
                b')' => self.push_container(Value::Tuple(Vec::new()))?,
                b'q' => self.remember(1)?,
                b'r' => self.remember(4)?,
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'a' => {
                    let value = self.pop()?;
                    self.append([value])?;
                }
                b'e' => {
                    let values = self.pop_to_mark()?;
                    self.append(values)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.insert(vec![key, value])?;
                }
                b'u' => {
                    let values = self.pop_to_mark()?;
                    self.insert(values)?;
                }
                b't' => {
                    let values = self.pop_to_mark()?;
                    self.push_container(Value::Tuple(values))?;
                }
                count @ 0x85..=0x87 => {
                    let start = self.stack.len().checked_sub(usize::from(count - 0x84)).ok_or_else(cut_off)?;
                    let values = self.stack.split_off(start);
                    self.push_container(Value::Tuple(values))?;
                }
                b'c' => {
                    self.line()?;
                    self.line()?;
                    self.stack.push(Value::Other);
                }
                // A call: its function and arguments give way to a placeholder.
                b'R' => {
                    self.pop()?;
                    self.pop()?;
                    self.stack.push(Value::Other);
                }
                // The state takes the place of what it would be set on.
                b'b' => {
                    let state = self.pop()?;
                    self.pop()?;
                    self.stack.push(state);
                }
                other => {
                    return Err(format!(
                        "its pickle has the opcode {other:#04x}, which the published batches have not"
                    ));
                }
            }
        }
    }

    fn push_container(&mut self, container: Value) -> Result<(), String> {
        self.containers += 1;
        if self.containers > MOST_CONTAINERS {
            return Err(format!("its pickle has more than {MOST_CONTAINERS} lists and tuples"));
        }
        self.stack.push(container);
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of so many bytes; only one of four has a sign.
    fn little_endian(&mut self, width: usize) -> Result<u32, String> {
        Ok(self.take(width)?.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte)))
    }

    fn number(&mut self, width: usize) -> Result<(), String> {
        let value = self.little_endian(width)?;
        let value = if width == 4 { i64::from(value.cast_signed()) } else { i64::from(value) };
        self.stack.push(Value::Number(value));
        Ok(())
    }

    fn string(&mut self, width: usize) -> Result<(), String> {
        let length = self.little_endian(width)? as usize;
        let bytes = Rc::from(self.take(length)?);
        self.stack.push(Value::Bytes(bytes));
        Ok(())
    }

    fn line(&mut self) -> Result<(), String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(cut_off)?;
        self.take(end + 1).map(drop)
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(cut_off)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark)).ok_or_else(cut_off)?;
        let values = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(values)
    }

    fn append(&mut self, values: impl IntoIterator<Item = Value>) -> Result<(), String> {
        match self.stack.last_mut() {
            Some(Value::List(list)) => list.extend(values),
            _ => return Err("its pickle appends to what is no list".into()),
        }
        Ok(())
    }

    fn insert(&mut self, values: Vec<Value>) -> Result<(), String> {
        let Some(Value::Dictionary(entries)) = self.stack.last_mut() else {
            return Err("its pickle inserts into what is no dictionary".into());
        };
        let mut values = values.into_iter();
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            entries.push((key, value));
        }
        Ok(())
    }

    /// Only strings are recalled later: a container is remembered before it is filled, and a copy would stay empty.
    fn remember(&mut self, width: usize) -> Result<(), String> {
        let at = self.little_endian(width)?;
        if let Some(value @ (Value::Bytes(_) | Value::Number(_) | Value::Other)) = self.stack.last() {
            self.memory.insert(at, value.clone());
        }
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), String> {
        let at = self.little_endian(width)?;
        let value = self.memory.get(&at).cloned().ok_or("its pickle recalls what it has not stored")?;
        self.stack.push(value);
        Ok(())
    }
}

fn cut_off() -> String {
    "its pickle is cut off or damaged".into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The bytes that Python 2's `cPickle.dump(batch, file, 2)` writes for such a dictionary.
    pub(crate) fn dump(labels: &[u8], pixels: &[u8]) -> Vec<u8> {
        let mut pickle =
            b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05(".to_vec();
        for &label in labels {
            pickle.extend([b'K', label]);
        }
        pickle.extend(
            b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85q\tU\x01b",
        );
        pickle.extend(b"q\n\x87q\x0bRq\x0c(K\x01M");
        pickle.extend((labels.len() as u16).to_le_bytes());
        pickle.extend(b"M\x00\x0c\x86q\rcnumpy\ndtype\nq\x0eU\x02u1q\x0fK\x00K\x01\x87q\x10Rq\x11(K\x03U\x01|q\x12NNN");
        pickle.extend(b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x13b\x89T");
        pickle.extend((pixels.len() as u32).to_le_bytes());
        pickle.extend(pixels);
        pickle.extend(b"q\x14tq\x15bU\tfilenamesq\x16]q\x17(U\x05a.pngq\x18U\x05b.pngq\x19eu.");
        pickle
    }

    #[test]
    fn a_batch_is_read_and_nothing_is_called() {
        let pixels: Vec<u8> = (0..2 * 3072_u32).map(|at| (at * 3) as u8).collect();
        let pickle = dump(&[6, 9], &pixels);
        assert_eq!(read(&pickle).unwrap(), Batch { labels: vec![6, 9], pixels });
        for end in [0, 1, 10, 60, 120, pickle.len() - 1] {
            assert!(read(&pickle[..end]).unwrap_err().contains("cut off"), "{end}");
        }
    }

    #[test]
    fn other_pickles_are_refused() {
        let refuse = |bytes: &[u8], word: &str| {
            let why = read(bytes).unwrap_err();
            assert!(why.contains(word), "{why}");
        };
        refuse(b"\x80\x04.", "protocol is 4");
        refuse(b"\x80\x02}q\x01.", "no list `labels`");
        refuse(b"\x80\x02K\x01.", "no pickled dictionary");
        refuse(b"\x80\x02}(U\x06labels](K\x01eu.", "no array `data`");
        refuse(b"\x80\x02}(U\x06labels](M\x00\x01eu.", "a label is 256");
        refuse(b"\x80\x02i", "opcode 0x69");
        refuse(b"\x80\x02K\x01e", "cut off");
        refuse(&[b"\x80\x02N".to_vec(), vec![0x85; 1_000_000]].concat(), "more than 100 lists");
    }
}
