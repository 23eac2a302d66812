//! A run as `TensorBoard`'s event file. `tensorboard --logdir FOLDER` shows what lies in a folder under a name that holds
//! `tfevents`.
//!
//! A run is one file. Each metric of each lane is a series of scalars with the tag `METRIC/ARM/seed N`, so that `TensorBoard` groups
//! the curves of a metric; the step is the epoch. The study in its text form stands beside them as the text `study`. `TensorBoard`
//! has scalars of single precision only; CSV and JSON have every digit.
//!
//! The format: records as in TensorFlow's `core/lib/io/record_writer.h`, each with an `Event` of `core/util/event.proto`. The few
//! fields that an export needs are encoded here.

use super::export::columns;
use protocol::{EpochRecord, Lane, Metric, RunSummary};
use std::collections::HashMap;

/// What the first record of a file says of the others.
const VERSION: &str = "brain.Event:2";

/// The events of a run, from its epochs in order. The store does not keep when an epoch ended, so that an event's time is when the
/// run was created and the seconds that its lane has trained since.
pub fn tfevents(summary: &RunSummary, epochs: &[EpochRecord]) -> Vec<u8> {
    let created = summary.created as f64;
    let mut file = Vec::new();
    append_record(&mut file, &event(created, 0).with_bytes(event_field::FILE_VERSION, VERSION.as_bytes()));
    let study = text_value("study", &summary.spec.to_string());
    append_record(
        &mut file,
        &event(created, 0).with_message(event_field::SUMMARY, &Message::default().with_message(1, &study)),
    );
    let columns = columns(epochs);
    let mut seconds: HashMap<Lane, f64> = HashMap::new();
    for record in epochs {
        let lane = record.lane();
        let trained = seconds.entry(lane).or_default();
        *trained += record.get(Metric::Seconds).unwrap_or(0.0);
        let mut values = Message::default();
        for quantity in &columns {
            let Some(value) = quantity.of(record) else { continue };
            let tag = format!("{quantity}/{}/seed {}", lane.arm, lane.seed);
            values = values.with_message(1, &scalar_value(&tag, value as f32));
        }
        append_record(&mut file, &event(created + *trained, record.epoch).with_message(event_field::SUMMARY, &values));
    }
    file
}

/// The fields of an `Event`.
mod event_field {
    pub const WALL_TIME: u32 = 1;
    pub const STEP: u32 = 2;
    pub const FILE_VERSION: u32 = 3;
    pub const SUMMARY: u32 = 5;
}

/// An `Event` without what happened. A field that is zero is left out, as every encoder does.
fn event(wall_time: f64, step: u32) -> Message {
    let event = Message::default().with_double(event_field::WALL_TIME, wall_time);
    if step == 0 { event } else { event.with_integer(event_field::STEP, step.into()) }
}

/// A `Summary.Value` with its `tag` and `simple_value`.
fn scalar_value(tag: &str, value: f32) -> Message {
    Message::default().with_bytes(1, tag.as_bytes()).with_float(2, value)
}

/// A `Summary.Value` for `TensorBoard`'s page of texts: its `tag`, a `tensor` of one string, and the `metadata` that say so.
fn text_value(tag: &str, text: &str) -> Message {
    const STRING: u64 = 7;
    let plugin = Message::default().with_bytes(1, b"text");
    let shape = Message::default().with_message(2, &Message::default().with_integer(1, 1));
    let tensor = Message::default().with_integer(1, STRING).with_message(2, &shape).with_bytes(8, text.as_bytes());
    let metadata = Message::default().with_message(1, &plugin);
    Message::default().with_bytes(1, tag.as_bytes()).with_message(8, &tensor).with_message(9, &metadata)
}

/// A message of Protocol Buffers, encoded.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn with_integer(mut self, field: u32, value: u64) -> Self {
        self.append_key(field, 0);
        self.append_varint(value);
        self
    }

    fn with_double(mut self, field: u32, value: f64) -> Self {
        self.append_key(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn with_bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.append_key(field, 2);
        self.append_varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn with_message(self, field: u32, message: &Self) -> Self {
        self.with_bytes(field, &message.0)
    }

    fn with_float(mut self, field: u32, value: f32) -> Self {
        self.append_key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A field's number and the way in which its value is encoded.
    fn append_key(&mut self, field: u32, wire_type: u32) {
        self.append_varint(((field << 3) | wire_type).into());
    }

    /// Seven bits a byte, the low ones first; the high bit says that more follow.
    fn append_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// Appends a record: the length of its data, the data, and the masked checksum of each.
fn append_record(file: &mut Vec<u8>, Message(data): &Message) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_crc(&length).to_le_bytes());
    file.extend(data);
    file.extend(masked_crc(data).to_le_bytes());
}

/// The checksum as records store it, so that the checksum of data which contains checksums is no fixed value.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// CRC-32C (Castagnoli), RFC 3720.
fn crc32c(data: &[u8]) -> u32 {
    /// The polynomial 0x1EDC6F41 with its bits reversed.
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    !data.iter().fold(!0, |crc: u32, byte| (crc >> 8) ^ TABLE[usize::from(crc as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{ArmId, Measurement, RunId, RunState, Study};

    /// RFC 3720, B.4, and the check value of the CRC catalogue.
    #[test]
    fn checksums_are_those_of_the_standard() {
        let rising: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c(&rising), 0x46DD_794E);
        assert_eq!(crc32c(&falling), 0x113F_DB5C);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    /// `TensorBoard`'s own classes wrote the same events: `tests/tools/tfevents.py`.
    #[test]
    fn a_run_is_the_bytes_that_tensorboard_would_write() {
        let spec: Study = "relu-tanh; all-tanh".parse().unwrap();
        let [relu, tanh] = [ArmId::RELU_TANH, ArmId::ALL_TANH].map(|arm| Lane { arm, seed: 1 });
        let first = [(Metric::TrainLoss, 0.5), (Metric::ValError, 1.5), (Metric::Seconds, 2.25)];
        let mut other =
            EpochRecord::new(tanh, 1, [(Metric::TrainLoss, 0.75), (Metric::ValError, 1.37), (Metric::Seconds, 2.5)]);
        other.measured.set(Measurement { metric: Metric::Zeros, layer: "fc1".parse().ok(), value: 0.1 });
        let second = [(Metric::TrainLoss, 1e-9), (Metric::Seconds, 300.0)];
        let epochs = [EpochRecord::new(relu, 1, first), other, EpochRecord::new(relu, 2, second)];
        let summary = RunSummary {
            run: RunId(7),
            name: None,
            tags: Vec::new(),
            notes: None,
            state: RunState::Running,
            spec,
            not_exact: None,
            fork: None,
            steerings: Vec::new(),
            sweep: None,
            created: 1_795_661_487,
            updated: 0,
            elapsed: 0.0,
            epochs_done: 1,
            done: Vec::new(),
            best: Vec::new(),
            ends: Vec::new(),
        };
        assert_eq!(tfevents(&summary, &epochs), include_bytes!("../../tests/fixtures/run.tfevents"));
    }

    #[test]
    fn integers_take_seven_bits_a_byte() {
        let encoded = |value| Message::default().with_integer(2, value).0;
        assert_eq!(encoded(0), [0x10, 0]);
        assert_eq!(encoded(127), [0x10, 0x7F]);
        assert_eq!(encoded(300), [0x10, 0xAC, 0x02]);
        assert_eq!(encoded(u64::MAX).len(), 11);
    }
}
