//! TensorBoard event files.
//!
//! A file is a row of TFRecords, each `length: u64, crc(length): u32, data, crc(data): u32`, little-endian, with masked
//! CRC-32C; the data are `tensorflow.Event` messages (`tensorflow/core/util/event.proto`). Wall times are the epochs'
//! numbers in seconds, so that the same run writes the same bytes.

use super::record::EpochRecord;

/// Name of the file: TensorBoard looks for `tfevents` in it.
pub(super) const FILE_NAME: &str = "events.out.tfevents.0.run";

/// The head of a file.
pub(super) fn head() -> Vec<u8> {
    let mut event = Message::default();
    event.bytes(3, b"brain.Event:2");
    framed(&event.0)
}

/// One event with the figures of an epoch. Undefined figures are left out.
pub(super) fn epoch(record: &EpochRecord) -> Vec<u8> {
    let figures = [
        ("loss/train", Some(record.train.loss)),
        ("loss/train_image", Some(record.train.image)),
        ("loss/train_outline", record.train.outline),
        ("loss/validation", Some(record.validation.loss)),
        ("validation/auroc", record.validation.auroc.get()),
        (
            "validation/balanced_accuracy",
            record.validation.balanced_accuracy.get(),
        ),
        ("learning_rate", Some(record.learning_rate)),
    ];
    let mut summary = Message::default();
    for (tag, figure) in figures {
        let Some(figure) = figure else { continue };
        let mut value = Message::default();
        value.bytes(1, tag.as_bytes());
        value.float(2, figure as f32);
        summary.bytes(1, &value.0);
    }
    let mut event = Message::default();
    event.double(1, record.epoch as f64);
    event.integer(2, record.epoch as u64);
    event.bytes(5, &summary.0);
    framed(&event.0)
}

/// A protocol buffer message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    fn integer(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }
}

fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// A CRC as TFRecord stores it: rotated and shifted, because a CRC of data that holds its own CRC is weak.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: an event has a few hundred bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{TrainFigures, ValidationFigures};
    use tumorlens_core::Measured;

    #[test]
    fn the_bytes_are_those_that_tensorboard_writes() {
        // Written by reference/train/make_events.py with TensorBoard's own writer.
        let golden = include_bytes!("../../../../reference/train/events.golden");
        let record = |epoch: usize, outline, auroc| EpochRecord {
            epoch,
            steps: 300,
            learning_rate: 0.001,
            train: TrainFigures {
                loss: 0.75,
                image: 0.5,
                outline,
            },
            validation: ValidationFigures {
                loss: 0.625,
                auroc,
                balanced_accuracy: Measured::value(0.9),
            },
            best: true,
        };
        let mut file = head();
        file.extend(epoch(&record(1, Some(0.5), Measured::value(0.95))));
        file.extend(epoch(&record(
            200,
            None,
            Measured::undefined("no positive image"),
        )));
        assert_eq!(file, golden);
    }

    #[test]
    fn the_crc_is_that_of_the_standard() {
        // RFC 3720, section B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
