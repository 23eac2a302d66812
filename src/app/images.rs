//! Whether the terminal shows images with true pixels, and how, as far as it is known. Until the terminal has answered,
//! images are drawn as half blocks.

use std::str::FromStr;

/// A protocol for images in a terminal. If a terminal has several, the last of these is used: Kitty's keeps an image in the
/// terminal, so that it is sent once, and a Sixel image has at most 256 colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageProtocol {
    Sixel,
    Iterm,
    Kitty,
}

/// How to show images, as the reader has chosen it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageChoice {
    /// As the terminal answers.
    #[default]
    Auto,
    /// Half blocks, whatever the terminal answers.
    Blocks,
    Protocol(ImageProtocol),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no way to show images; choose auto, kitty, iterm, sixel or blocks")]
pub struct UnknownImages(String);

impl FromStr for ImageChoice {
    type Err = UnknownImages;

    fn from_str(text: &str) -> Result<Self, UnknownImages> {
        Ok(match text {
            "auto" => Self::Auto,
            "blocks" => Self::Blocks,
            "kitty" => Self::Protocol(ImageProtocol::Kitty),
            "iterm" => Self::Protocol(ImageProtocol::Iterm),
            "sixel" => Self::Protocol(ImageProtocol::Sixel),
            other => return Err(UnknownImages(other.into())),
        })
    }
}

/// The size of a cell of the terminal in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellSize {
    pub width: u16,
    pub height: u16,
}

impl CellSize {
    /// Used where an image is shown and the terminal does not report the size of its cells. Few fonts are smaller.
    const DEFAULT: Self = Self { width: 8, height: 16 };
    /// No font is larger. An image takes memory in proportion to the size of a cell, and the answer comes from outside.
    const LARGEST: u16 = 128;

    /// `None` for a size that no cell has.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let side = |side: u32| u16::try_from(side).ok().filter(|side| (1..=Self::LARGEST).contains(side));
        Some(Self { width: side(width)?, height: side(height)? })
    }
}

/// An answer of the terminal to one of the queries for images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalReply {
    /// The terminal shows images by this protocol.
    Images(ImageProtocol),
    CellSize(CellSize),
    /// The primary device attributes. They are queried last, so no other answer follows.
    Attributes {
        sixel: bool,
    },
}

/// What is known of the terminal's images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageSupport {
    choice: ImageChoice,
    /// The best protocol that the terminal has, as far as it is known.
    protocol: Option<ImageProtocol>,
    cell: Option<CellSize>,
    /// The terminal has answered all queries that it answers.
    is_complete: bool,
}

/// How images are shown with true pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageOutput {
    pub protocol: ImageProtocol,
    pub cell: CellSize,
}

impl ImageSupport {
    /// `known` is a protocol that the environment names.
    pub fn new(choice: ImageChoice, known: Option<ImageProtocol>) -> Self {
        Self { choice, protocol: known, ..Self::default() }
    }

    pub(crate) fn apply(&mut self, reply: TerminalReply) {
        match reply {
            TerminalReply::Images(protocol) => self.protocol = self.protocol.max(Some(protocol)),
            TerminalReply::CellSize(cell) => self.cell = Some(cell),
            TerminalReply::Attributes { sixel } => {
                self.protocol = self.protocol.max(sixel.then_some(ImageProtocol::Sixel));
                self.is_complete = true;
            }
        }
    }

    /// How to show images; `None` for half blocks.
    pub fn output(&self) -> Option<ImageOutput> {
        let (protocol, default) = match self.choice {
            ImageChoice::Blocks => return None,
            ImageChoice::Auto => {
                let protocol = self.protocol?;
                // iTerm2 scales an image to cells whatever their size, and may not report it.
                let default = (protocol == ImageProtocol::Iterm && self.is_complete).then_some(CellSize::DEFAULT);
                (protocol, default)
            }
            ImageChoice::Protocol(protocol) => (protocol, Some(CellSize::DEFAULT)),
        };
        Some(ImageOutput { protocol, cell: self.cell.or(default)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ImageProtocol::{Iterm, Kitty, Sixel};

    const CELL: CellSize = CellSize { width: 9, height: 19 };

    fn after(choice: ImageChoice, known: Option<ImageProtocol>, replies: &[TerminalReply]) -> Option<ImageOutput> {
        let mut support = ImageSupport::new(choice, known);
        for reply in replies {
            support.apply(*reply);
        }
        support.output()
    }

    #[test]
    fn the_best_protocol_that_the_terminal_has_is_used() {
        let images = TerminalReply::Images;
        let cell = TerminalReply::CellSize(CELL);
        let attributes = |sixel| TerminalReply::Attributes { sixel };
        let auto = |known, replies: &[TerminalReply]| after(ImageChoice::Auto, known, replies);
        let with = |protocol| Some(ImageOutput { protocol, cell: CELL });
        assert_eq!(auto(None, &[]), None);
        assert_eq!(auto(None, &[cell, attributes(false)]), None);
        assert_eq!(auto(None, &[cell, attributes(true)]), with(Sixel));
        assert_eq!(auto(None, &[images(Kitty), images(Iterm), cell, attributes(true)]), with(Kitty));
        assert_eq!(auto(Some(Iterm), &[cell, attributes(true)]), with(Iterm));
        // Pixels without the size of a cell would not fit the cells.
        assert_eq!(auto(None, &[images(Kitty), attributes(true)]), None);
        assert_eq!(auto(Some(Iterm), &[]), None, "its answer may follow");
        let default = CellSize::DEFAULT;
        assert_eq!(auto(Some(Iterm), &[attributes(true)]), Some(ImageOutput { protocol: Iterm, cell: default }));
    }

    #[test]
    fn the_readers_choice_comes_first() {
        let all = [TerminalReply::Images(Kitty), TerminalReply::CellSize(CELL)];
        assert_eq!(after(ImageChoice::Blocks, Some(Iterm), &all), None);
        let sixel = ImageChoice::Protocol(Sixel);
        assert_eq!(after(sixel, None, &all), Some(ImageOutput { protocol: Sixel, cell: CELL }));
        assert_eq!(after(sixel, None, &[]), Some(ImageOutput { protocol: Sixel, cell: CellSize::DEFAULT }));
    }

    #[test]
    fn a_size_that_no_cell_has_is_refused() {
        assert_eq!(CellSize::new(9, 19), Some(CELL));
        assert!([(0, 19), (9, 0), (9, 129), (70_000, 19)].iter().all(|(w, h)| CellSize::new(*w, *h).is_none()));
    }
}
