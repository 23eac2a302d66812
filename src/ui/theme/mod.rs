//! Maps meanings to colours that the terminal has, and to glyphs that its font has.

pub mod heat;
pub mod pixels;

use app::{ARM_COLOURS, Background, CellSize, arm_colour, cited_colour, seed_colour};
pub use lesson::Glyphs;
use protocol::Source;
use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    TrueColour,
    Indexed,
    Sixteen,
    /// `NO_COLOR`, or a terminal without colours: attributes only.
    None,
}

#[derive(Clone, Copy, Debug)]
pub struct Theme {
    pub palette: Palette,
    pub glyphs: Glyphs,
    /// [`draw`](crate::draw) sets it to the notebook's.
    pub background: Background,
    /// The size of a cell in pixels, where images are shown with true pixels. [`draw`](crate::draw) sets it.
    pub image_cell: Option<CellSize>,
}

/// The meaning of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Accent,
    Arm(usize),
    Cited,
    Faint,
    Good,
    Bad,
    Code,
    Math,
}

/// A colour for true-colour terminals, and its index for terminals of 256 colours. Only the indices above 15 are the
/// same on every terminal.
type ThemeColour = ((u8, u8, u8), u8);

impl Role {
    /// Each has a contrast of at least 4.5 to 1 (WCAG 2.2, level AA) on black and on common dark backgrounds.
    const fn on_dark(self) -> ThemeColour {
        match self {
            Self::Accent => ((122, 190, 255), 111),
            Self::Arm(number) => {
                const INDEXED: [u8; ARM_COLOURS] = [215, 111, 150, 176, 228, 79, 147, 252, 180, 224];
                (arm_colour(number, Background::Dark), INDEXED[number % ARM_COLOURS])
            }
            Self::Cited | Self::Bad => (cited_colour(Background::Dark), 204),
            Self::Faint => ((140, 148, 160), 246),
            Self::Good => ((160, 220, 140), 150),
            Self::Code => ((206, 172, 240), 183),
            Self::Math => ((168, 218, 200), 152),
        }
    }

    /// The same on white and on common light backgrounds.
    const fn on_light(self) -> ThemeColour {
        match self {
            Self::Accent => ((0, 92, 170), 25),
            Self::Arm(number) => {
                const INDEXED: [u8; ARM_COLOURS] = [94, 25, 22, 127, 58, 23, 61, 240, 95, 125];
                (arm_colour(number, Background::Light), INDEXED[number % ARM_COLOURS])
            }
            Self::Cited | Self::Bad => (cited_colour(Background::Light), 160),
            Self::Faint => ((96, 102, 112), 241),
            Self::Good => ((20, 105, 40), 22),
            Self::Code => ((112, 48, 160), 91),
            Self::Math => ((10, 100, 90), 23),
        }
    }

    /// The reader may have changed the sixteen colours, so text keeps the terminal's own; only curves, marks and their
    /// names are coloured.
    const fn of_sixteen(self, background: Background) -> Option<Color> {
        match (self, background) {
            (Self::Arm(number), Background::Dark) => Some(match number % ARM_COLOURS {
                0 => Color::Yellow,
                1 => Color::Cyan,
                2 => Color::Green,
                3 => Color::Magenta,
                4 => Color::LightYellow,
                5 => Color::LightCyan,
                6 => Color::LightBlue,
                7 => Color::Gray,
                8 => Color::White,
                _ => Color::LightMagenta,
            }),
            // Only these are dark enough in the usual sets; markers distinguish the others.
            (Self::Arm(number), Background::Light) => Some(match number % 4 {
                0 => Color::Blue,
                1 => Color::Magenta,
                2 => Color::Reset,
                _ => Color::Red,
            }),
            (Self::Cited, Background::Dark) => Some(Color::LightRed),
            (Self::Cited, Background::Light) => Some(Color::Red),
            _ => None,
        }
    }
}

impl Theme {
    /// For a dark background.
    pub const fn new(palette: Palette, glyphs: Glyphs) -> Self {
        Self { palette, glyphs, background: Background::Dark, image_cell: None }
    }

    /// Detects the terminal by its environment alone, so that the first frame waits for no answer.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let palette = if set("NO_COLOR").is_some() {
            Palette::None
        } else if set("COLORTERM").is_some_and(|v| v.contains("truecolor") || v.contains("24bit")) {
            Palette::TrueColour
        } else if term.contains("256") {
            Palette::Indexed
        } else if term.starts_with("vt") || term.is_empty() {
            Palette::None
        } else {
            Palette::Sixteen
        };
        Self::new(palette, Glyphs::detect(env))
    }

    #[must_use]
    pub fn on(self, background: Background) -> Self {
        Self { background, ..self }
    }

    /// Whether images may be shown with true pixels: not for a reader who wants no colours, nor in ASCII.
    pub fn has_images(&self) -> bool {
        self.palette != Palette::None && self.glyphs == Glyphs::Unicode
    }

    /// Shows images with true pixels in cells of this size, if there may be any.
    #[must_use]
    pub fn with_images(self, cell: Option<CellSize>) -> Self {
        Self { image_cell: cell.filter(|_| self.has_images()), ..self }
    }

    fn style(&self, role: Role) -> Style {
        let ((red, green, blue), index) = match self.background {
            Background::Dark => role.on_dark(),
            Background::Light => role.on_light(),
        };
        match self.palette {
            Palette::TrueColour => Style::new().fg(Color::Rgb(red, green, blue)),
            Palette::Indexed => Style::new().fg(Color::Indexed(index)),
            Palette::Sixteen => role.of_sixteen(self.background).map_or(Style::new(), |colour| Style::new().fg(colour)),
            Palette::None => Style::new(),
        }
    }

    /// Whether text is distinguished by its weight alone.
    fn is_plain(&self) -> bool {
        matches!(self.palette, Palette::Sixteen | Palette::None)
    }

    pub fn accent(&self) -> Style {
        self.style(Role::Accent)
    }

    /// The colour of the nth arm. Arms are always distinguished by more than colour.
    pub fn arm(&self, number: usize) -> Style {
        self.style(Role::Arm(number))
    }

    /// The colour of the nth arm's single seeds, which are drawn behind their mean: paler, but with a contrast of at
    /// least 3 to 1 (WCAG 2.2, 1.4.11, graphics). A terminal's own dim attribute may go below that.
    pub fn seeds(&self, number: usize) -> Style {
        let colour = seed_colour(number, self.background);
        match self.palette {
            Palette::TrueColour => Style::new().fg(Color::Rgb(colour.0, colour.1, colour.2)),
            Palette::Indexed => Style::new().fg(Color::Indexed(nearest(colour))),
            Palette::Sixteen | Palette::None => self.arm(number).add_modifier(Modifier::DIM),
        }
    }

    /// The marker of the nth arm. There are more markers than any plot has curves, and axes and marks use none of them.
    pub fn marker(&self, number: usize) -> &'static str {
        const RICH: [&str; 16] = ["●", "▲", "■", "◆", "○", "△", "□", "◇", "★", "▼", "☆", "▽", "▶", "◀", "▷", "◁"];
        const PLAIN: [&str; 16] = ["o", "x", "#", "*", "@", "%", "&", "$", "a", "b", "c", "d", "e", "f", "g", "h"];
        match self.glyphs {
            Glyphs::Unicode => RICH[number % RICH.len()],
            Glyphs::Ascii => PLAIN[number % PLAIN.len()],
        }
    }

    /// Published results.
    pub fn cited(&self) -> Style {
        self.style(Role::Cited)
    }

    /// The style of marks and bands, by their source.
    pub fn source(&self, source: &Source) -> Style {
        match source {
            Source::Measured => self.accent(),
            Source::Theory(_) | Source::Reader => self.strong(),
            Source::Cited(_) => self.cited(),
            Source::Run { arm, .. } => self.arm(*arm),
        }
    }

    /// The glyph of a mark.
    pub fn mark(&self) -> &'static str {
        if self.glyphs == Glyphs::Ascii { "+" } else { "✕" }
    }

    /// The glyph of a prediction in a plot.
    pub fn prediction_glyph(&self) -> &'static str {
        if self.glyphs == Glyphs::Ascii { "Y" } else { "◈" }
    }

    pub fn faint(&self) -> Style {
        if self.is_plain() { Style::new().add_modifier(Modifier::DIM) } else { self.style(Role::Faint) }
    }

    pub fn good(&self) -> Style {
        self.style(Role::Good)
    }

    pub fn bad(&self) -> Style {
        self.style(Role::Bad).add_modifier(Modifier::BOLD)
    }

    /// A verdict between good and bad.
    pub fn middling(&self) -> Style {
        if self.is_plain() { Style::new() } else { self.style(Role::Arm(0)) }
    }

    #[allow(clippy::unused_self)]
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    #[allow(clippy::unused_self)]
    pub fn selected(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The style of a lesson's span.
    pub fn prose(&self, span: &lesson::Span) -> Style {
        use lesson::{Style as S, Token};
        let link = span.target.is_some();
        let look = match span.style {
            S::Text => Style::new(),
            S::Emphasis | S::Quote => Style::new().add_modifier(Modifier::ITALIC),
            S::Strong | S::Subheading => self.strong(),
            S::Code => self.style(Role::Code),
            S::Token(Token::Keyword) => self.style(Role::Code).add_modifier(Modifier::BOLD),
            S::Token(Token::Name) => self.accent(),
            S::Token(Token::Text) => self.good(),
            S::Token(Token::Constant) => self.middling(),
            S::Token(Token::Comment) => self.faint().add_modifier(Modifier::ITALIC),
            S::Math => self.style(Role::Math),
            S::Title => self.accent().add_modifier(Modifier::BOLD),
            S::Heading => self.middling().add_modifier(Modifier::BOLD),
            S::Frame | S::Faint => self.faint(),
        };
        if link { self.accent().patch(look).add_modifier(Modifier::UNDERLINED) } else { look }
    }

    /// Replaces characters that the terminal can't show.
    pub fn text(&self, text: &str) -> String {
        self.glyphs.text(text)
    }

    /// The same for findings and tables, which write a spread as `+-`.
    pub fn measured(&self, text: &str) -> String {
        self.text(&text.replace("+-", "±"))
    }
}

/// The nearest of those colours that all terminals of 256 colours show alike.
fn nearest((red, green, blue): (u8, u8, u8)) -> u8 {
    let away = |index: &u8| {
        let (r, g, b) = indexed(*index);
        u32::from(r.abs_diff(red)).pow(2) + u32::from(g.abs_diff(green)).pow(2) + u32::from(b.abs_diff(blue)).pow(2)
    };
    (16..=u8::MAX).min_by_key(away).unwrap_or(u8::MAX)
}

/// The value of an index from 16 on. Source: xterm's 256colres.h.
fn indexed(index: u8) -> (u8, u8, u8) {
    if index >= 232 {
        return [8 + 10 * (index - 232); 3].into();
    }
    let cube = index.saturating_sub(16);
    [36, 6, 1].map(|step| [0, 95, 135, 175, 215, 255][usize::from(cube / step % 6)]).into()
}

/// The value of a colour that is the same on every terminal; the sixteen are the reader's own.
#[cfg(test)]
pub fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    match colour {
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        Color::Indexed(index @ 16..) => Some(indexed(index)),
        _ => None,
    }
}

/// The contrast ratio of two colours, from 1 to 21. Source: WCAG 2.2.
#[cfg(test)]
pub fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
    let light = |(r, g, b): (u8, u8, u8)| app::luminance([r, g, b].map(|part| f64::from(part) / 255.0)) + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; ARM_COLOURS + 7] = {
        let mut roles = [Role::Accent; ARM_COLOURS + 7];
        let mut arm = 0;
        while arm < ARM_COLOURS {
            roles[arm] = Role::Arm(arm);
            arm += 1;
        }
        let others = [Role::Cited, Role::Faint, Role::Good, Role::Bad, Role::Code, Role::Math];
        let mut other = 0;
        while other < others.len() {
            roles[ARM_COLOURS + other] = others[other];
            other += 1;
        }
        roles
    };

    /// Black and Solarized dark, white and Solarized light. Names and values have the colour of their curve, so every
    /// colour must be readable as text.
    #[test]
    fn every_colour_can_be_read_on_its_pages() {
        for (background, pages) in [
            (Background::Dark, [(0, 0, 0), (0x00, 0x2b, 0x36)]),
            (Background::Light, [(0xff, 0xff, 0xff), (0xfd, 0xf6, 0xe3)]),
        ] {
            for (role, page) in ROLES.iter().flat_map(|role| pages.map(|page| (role, page))) {
                for palette in [Palette::TrueColour, Palette::Indexed] {
                    let theme = Theme::new(palette, Glyphs::Unicode).on(background);
                    let colour = theme.style(*role).fg.and_then(rgb).unwrap();
                    let contrast = contrast(colour, page);
                    assert!(contrast >= 4.5, "{role:?} on {page:?} with {palette:?}: {contrast:.2}");
                }
            }
        }
    }

    #[test]
    fn single_seeds_are_paler_than_their_arm_and_can_be_seen() {
        for (background, pages) in [
            (Background::Dark, [(0, 0, 0), (0x00, 0x2b, 0x36)]),
            (Background::Light, [(0xff, 0xff, 0xff), (0xfd, 0xf6, 0xe3)]),
        ] {
            for palette in [Palette::TrueColour, Palette::Indexed] {
                let theme = Theme::new(palette, Glyphs::Unicode).on(background);
                for (number, page) in (0..ARM_COLOURS).flat_map(|number| pages.map(|page| (number, page))) {
                    let on_page = |style: Style| contrast(style.fg.and_then(rgb).unwrap(), page);
                    let (arm, seeds) = (on_page(theme.arm(number)), on_page(theme.seeds(number)));
                    assert!(seeds >= 3.0 && seeds < arm, "{number} on {page:?}, {palette:?}: {seeds:.2} and {arm:.2}");
                }
            }
        }
    }

    /// The sixteen colours are unknown, but text can be read as it has the terminal's own.
    #[test]
    fn with_sixteen_colours_text_has_the_terminals_own() {
        use lesson::{Span, Style as S, Token};
        let styles = [
            S::Text,
            S::Emphasis,
            S::Strong,
            S::Code,
            S::Token(Token::Keyword),
            S::Token(Token::Name),
            S::Token(Token::Text),
            S::Token(Token::Constant),
            S::Token(Token::Comment),
            S::Math,
            S::Title,
            S::Heading,
            S::Subheading,
            S::Frame,
            S::Quote,
            S::Faint,
        ];
        for background in [Background::Dark, Background::Light] {
            let theme = Theme::new(Palette::Sixteen, Glyphs::Unicode).on(background);
            let prose = styles.map(|style| theme.prose(&Span::new("x", style)));
            let others = [theme.accent(), theme.faint(), theme.good(), theme.bad(), theme.middling(), theme.selected()];
            assert!(prose.iter().chain(&others).all(|style| style.fg.is_none() && style.bg.is_none()));
            assert!(theme.bad().add_modifier.contains(Modifier::BOLD), "what is wrong keeps its weight");
            assert_ne!(theme.faint(), Style::new());
        }
    }

    #[test]
    fn the_environment_decides() {
        let detect = |pairs: &[(&str, &str)]| {
            Theme::detect(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, v)| v.to_string()))
        };
        let rich = detect(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "en_US.UTF-8")]);
        assert_eq!((rich.palette, rich.glyphs), (Palette::TrueColour, Glyphs::Unicode));
        let plain = detect(&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("LANG", "C")]);
        assert_eq!((plain.palette, plain.glyphs), (Palette::None, Glyphs::Ascii));
        assert_eq!(detect(&[("TERM", "screen"), ("LC_ALL", "C.UTF-8")]).palette, Palette::Sixteen);
    }
}
