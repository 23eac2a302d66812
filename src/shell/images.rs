//! The images on the screen: sends what is new after the cells of a frame, and removes what is gone.

use super::backend::AnsiBackend;
use super::frame_output::FrameOutput;
use super::image_encoding::{KITTY_DELETE_ALL, iterm, kitty_place, kitty_remove, kitty_transmit, png, sixel};
use super::terminal_guard;
use app::{Drawn, ImageOutput, ImageProtocol};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};
use std::collections::HashMap;
use std::io::{self, Write};
use ui::DrawnFrame;
use ui::image::{Image, PlacedImage};

/// How many pixels of images that are not on the screen the terminal keeps, so that an image that comes back is not sent
/// again. A pixel takes four bytes; Kitty keeps 320 MB at most.
const MAX_KEPT_PIXELS: u64 = 16 << 20;

#[derive(Debug, Default)]
pub struct ScreenImages {
    /// How the images are shown.
    output: Option<ImageOutput>,
    /// The size of the last frame.
    area: Rect,
    shown: Vec<ShownImage>,
    /// The images that the terminal keeps under a number, which only Kitty's protocol can, each at its size.
    sent: HashMap<(Image, (u32, u32)), u32>,
    /// The last number that was given to an image or to its place on the screen.
    last_number: u32,
}

#[derive(Debug)]
struct ShownImage {
    placed: PlacedImage,
    /// The numbers of the image and of its place in Kitty's protocol.
    kitty: Option<(u32, u32)>,
}

impl ScreenImages {
    /// Whether the screen has to be cleared before the next frame, because it has images that are shown in another way.
    pub fn must_clear(&self, output: Option<ImageOutput>) -> bool {
        self.output != output && !self.shown.is_empty()
    }

    /// Forgets all images, as the screen has been cleared or another program may have used it.
    pub fn forget(&mut self, out: &mut FrameOutput) -> io::Result<()> {
        if !self.sent.is_empty() {
            out.write_all(KITTY_DELETE_ALL.as_bytes())?;
        }
        self.shown.clear();
        self.sent.clear();
        Ok(())
    }

    /// Draws a frame: its cells, then its images. Returns where things are that the mouse is held against.
    pub fn draw_frame(
        &mut self,
        screen: &mut Terminal<AnsiBackend>,
        output: Option<ImageOutput>,
        draw: impl FnOnce(&mut Frame) -> DrawnFrame,
    ) -> io::Result<Drawn> {
        let mut drawn = DrawnFrame::default();
        let area = screen.draw(|frame| drawn = draw(frame))?.area;
        let out = &mut screen.backend_mut().0;
        // ratatui clears a screen whose size has changed.
        if area != self.area {
            self.forget(out)?;
            self.area = area;
        }
        self.show(output, drawn.images, out)?;
        Ok(drawn.drawn)
    }

    /// Changes the images on the screen to these.
    fn show(&mut self, output: Option<ImageOutput>, wanted: Vec<PlacedImage>, out: &mut FrameOutput) -> io::Result<()> {
        self.output = output;
        let Some(output) = output else { return Ok(()) };
        self.limit_sent(&wanted, out)?;
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.shown).into_iter().partition(|shown| wanted.contains(&shown.placed));
        self.shown = kept;
        // By the other protocols the cells, which have been drawn again, have erased the image.
        for (id, placement) in gone.iter().filter_map(|shown| shown.kitty) {
            kitty_remove(id, placement, out)?;
        }
        for placed in wanted {
            if self.shown.iter().any(|shown| shown.placed == placed) {
                continue;
            }
            let kitty = match output.protocol {
                ImageProtocol::Kitty => Some(self.show_kitty(&placed, out)?),
                ImageProtocol::Iterm => iterm(&placed, out).map(|()| None)?,
                ImageProtocol::Sixel => {
                    let room = u32::from(placed.area.height) * u32::from(output.cell.height);
                    sixel(&placed, room, out).map(|()| None)?
                }
            };
            self.shown.push(ShownImage { placed, kitty });
        }
        Ok(())
    }

    fn show_kitty(&mut self, placed: &PlacedImage, out: &mut FrameOutput) -> io::Result<(u32, u32)> {
        let key = (placed.image.clone(), placed.size);
        let id = if let Some(id) = self.sent.get(&key) {
            *id
        } else {
            terminal_guard::delete_images_on_restore();
            let id = self.next_number();
            kitty_transmit(id, &png(placed)?, out)?;
            self.sent.insert(key, id);
            id
        };
        let placement = self.next_number();
        kitty_place(id, placement, placed.area, out)?;
        Ok((id, placement))
    }

    /// A number that no image had before, so that the terminal never takes one image for another.
    fn next_number(&mut self) -> u32 {
        self.last_number = self.last_number.checked_add(1).unwrap_or(1);
        self.last_number
    }

    /// Deletes all images if the terminal keeps too many that are not wanted. To delete a single one would be less to send
    /// again, but some versions of Kitty then delete every image that is not on the screen.
    fn limit_sent(&mut self, wanted: &[PlacedImage], out: &mut FrameOutput) -> io::Result<()> {
        let pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
        let sent: u64 = self.sent.keys().map(|(_, size)| pixels(*size)).sum();
        let wanted: u64 = wanted.iter().map(|placed| pixels(placed.size)).sum();
        if sent > wanted + MAX_KEPT_PIXELS { self.forget(out) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::CellSize;
    use ratatui::{TerminalOptions, Viewport};
    use ui::image::{FrameRecord, ImageCanvas};
    use ui::{Glyphs, Palette, Theme};

    const SCREEN: Rect = Rect::new(0, 0, 20, 8);
    const GREY: [[u8; 3]; 4] = [[0; 3], [90; 3], [180; 3], [255; 3]];
    const OTHER: [[u8; 3]; 4] = [[255; 3], [0; 3], [0; 3], [255; 3]];

    struct Screen {
        terminal: Terminal<AnsiBackend>,
        images: ScreenImages,
        output: FrameOutput,
        support: Option<ImageOutput>,
    }

    impl Screen {
        fn new(protocol: Option<ImageProtocol>) -> Self {
            let output = FrameOutput::default();
            let options = TerminalOptions { viewport: Viewport::Fixed(SCREEN) };
            let terminal = Terminal::with_options(AnsiBackend(output.clone()), options).unwrap();
            let cell = CellSize::new(10, 20).unwrap();
            let support = protocol.map(|protocol| ImageOutput { protocol, cell });
            Self { terminal, images: ScreenImages::default(), output, support }
        }

        /// Draws images of 2x2 pixels into two rows each, and what covers them. Returns the bytes of the frame.
        fn frame(&mut self, images: &[(&[[u8; 3]], u16, u16)], cover: Option<(u16, u16, &str)>) -> String {
            let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
            let theme = theme.with_images(self.support.map(|support| support.cell));
            let draw = |frame: &mut Frame| {
                let mut placed = FrameRecord::default();
                let buffer = frame.buffer_mut();
                for (pixels, x, y) in images {
                    let mut canvas = ImageCanvas { buffer, record: &mut placed };
                    ui::image::draw(&theme, pixels, (2, 2), Rect::new(*x, *y, 4, 2), &mut canvas);
                }
                if let Some((x, y, text)) = cover {
                    buffer.set_string(x, y, text, ratatui::style::Style::new());
                }
                DrawnFrame { drawn: Drawn::default(), images: placed.finish(&theme, buffer).0 }
            };
            self.images.draw_frame(&mut self.terminal, self.support, draw).unwrap();
            String::from_utf8(self.output.take()).unwrap()
        }
    }

    /// How an image begins.
    const STARTS: [(ImageProtocol, &str); 3] = [
        (ImageProtocol::Kitty, "\x1b_Ga=t,"),
        (ImageProtocol::Iterm, "\x1b]1337;File="),
        (ImageProtocol::Sixel, "\x1bP0;1q"),
    ];

    #[test]
    fn an_image_is_sent_once_and_not_again() {
        for (protocol, start) in STARTS {
            let mut screen = Screen::new(Some(protocol));
            let first = screen.frame(&[(&GREY, 2, 1)], None);
            assert_eq!(first.matches(start).count(), 1, "{protocol:?}: {first:?}");
            assert!(first.contains("\x1b[2;3H\x1b"), "{protocol:?}: {first:?}");
            assert_eq!(screen.frame(&[(&GREY, 2, 1)], None), "", "{protocol:?}");
            // Text beside it does not touch it.
            let beside = screen.frame(&[(&GREY, 2, 1)], Some((10, 1, "x")));
            assert_eq!(beside, "\x1b[2;11Hx", "{protocol:?}");
        }
    }

    #[test]
    fn an_image_that_is_covered_disappears_and_comes_back() {
        for (protocol, start) in STARTS {
            let mut screen = Screen::new(Some(protocol));
            screen.frame(&[(&GREY, 2, 1)], None);
            let covered = screen.frame(&[(&GREY, 2, 1)], Some((4, 1, "text")));
            assert!(covered.contains("text") && covered.contains('▀'), "{protocol:?}: {covered:?}");
            assert!(!covered.contains(start), "{protocol:?}: {covered:?}");
            let removed = covered.contains("\x1b_Ga=d,d=i,i=1,p=2,q=2\x1b\\");
            assert_eq!(removed, protocol == ImageProtocol::Kitty, "{covered:?}");
            let back = screen.frame(&[(&GREY, 2, 1)], None);
            if protocol == ImageProtocol::Kitty {
                assert!(back.ends_with("\x1b[2;3H\x1b_Ga=p,i=1,p=3,C=1,q=2\x1b\\"), "{back:?}");
                assert!(!back.contains(start), "the terminal has it: {back:?}");
            } else {
                assert!(back.contains(start), "{protocol:?}: {back:?}");
            }
        }
    }

    /// Cells that stay blank beneath another image, or beneath none, are written again: they erase the old one.
    #[test]
    fn the_cells_of_an_image_that_is_gone_are_erased() {
        for (protocol, start) in STARTS {
            let mut screen = Screen::new(Some(protocol));
            screen.frame(&[(&GREY, 2, 1)], None);
            let changed = screen.frame(&[(&OTHER, 2, 1)], None);
            let erased = format!("\x1b[2;3H{blank}\x1b[3;3H{blank}", blank = " ".repeat(4));
            assert!(changed.starts_with(&erased) && changed.contains(start), "{protocol:?}: {changed:?}");
            let gone = screen.frame(&[], None);
            assert!(gone.starts_with(&erased) && !gone.contains(start), "{protocol:?}: {gone:?}");
            assert_eq!(gone.contains("\x1b_Ga=d"), protocol == ImageProtocol::Kitty, "{gone:?}");
        }
    }

    #[test]
    fn kitty_gets_an_image_once_wherever_it_is_shown() {
        let mut screen = Screen::new(Some(ImageProtocol::Kitty));
        let twice = screen.frame(&[(&GREY, 0, 0), (&GREY, 8, 0)], None);
        assert_eq!((twice.matches("\x1b_Ga=t").count(), twice.matches("\x1b_Ga=p").count()), (1, 2), "{twice:?}");
        let moved = screen.frame(&[(&GREY, 0, 3), (&GREY, 8, 0)], None);
        assert_eq!((moved.matches("\x1b_Ga=t").count(), moved.matches("\x1b_Ga=p").count()), (0, 1), "{moved:?}");
        assert_eq!(moved.matches("\x1b_Ga=d").count(), 1, "{moved:?}");
    }

    #[test]
    fn after_the_screen_was_cleared_every_image_is_sent_again() {
        for (protocol, start) in STARTS {
            let mut screen = Screen::new(Some(protocol));
            screen.frame(&[(&GREY, 2, 1)], None);
            screen.images.forget(&mut screen.output).unwrap();
            let deleted = if protocol == ImageProtocol::Kitty { KITTY_DELETE_ALL.as_bytes() } else { b"" };
            assert_eq!(screen.output.take(), deleted);
            let again = screen.frame(&[(&GREY, 2, 1)], None);
            assert_eq!(again.matches(start).count(), 1, "{protocol:?}: {again:?}");
        }
    }

    #[test]
    fn another_way_to_show_images_needs_a_cleared_screen() {
        let mut screen = Screen::new(Some(ImageProtocol::Sixel));
        let other = Screen::new(Some(ImageProtocol::Kitty)).support;
        assert!(!screen.images.must_clear(other), "there is no image yet");
        screen.frame(&[(&GREY, 2, 1)], None);
        assert!(!screen.images.must_clear(screen.support) && screen.images.must_clear(other));
        assert!(screen.images.must_clear(None));
    }

    #[test]
    fn the_terminal_does_not_keep_every_image_for_ever() {
        let mut screen = Screen::new(Some(ImageProtocol::Kitty));
        screen.frame(&[(&GREY, 2, 1)], None);
        for at in 0..20 {
            let image = Image::new(&[[at; 3]], (1, 1));
            screen.images.sent.insert((image, (1024, 1024)), 100 + u32::from(at));
        }
        let again = screen.frame(&[(&GREY, 2, 1)], None);
        assert!(again.starts_with(KITTY_DELETE_ALL) && again.contains("\x1b_Ga=t,"), "{again:?}");
        assert_eq!(screen.images.sent.len(), 1);
    }

    #[test]
    fn without_support_there_are_only_half_blocks() {
        let mut screen = Screen::new(None);
        let first = screen.frame(&[(&GREY, 2, 1)], None);
        assert_eq!(first.matches('▀').count(), 8);
        assert!(STARTS.iter().all(|(_, start)| !first.contains(start)) && !first.contains("\x1b_"), "{first:?}");
        assert_eq!(screen.frame(&[(&GREY, 2, 1)], None), "");
    }
}
