//! An arm's identity and settings, and a lane: one arm with one seed.

use super::super::Activation;
use serde::{Deserialize, Serialize};
use std::{fmt, hash, str::FromStr};

/// The activations of an arm's two groups of layers: the convolutions, and the hidden fully connected layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Activations {
    pub conv: Activation,
    pub fc: Activation,
}

impl Activations {
    pub const RELU_TANH: Self = Self { conv: Activation::Relu, fc: Activation::Tanh };
    pub const ALL_TANH: Self = Self { conv: Activation::Tanh, fc: Activation::Tanh };
    pub const ALL_RELU: Self = Self { conv: Activation::Relu, fc: Activation::Relu };

    /// The title in running text: `ReLU+Tanh`, `all-Tanh`.
    pub fn title(self) -> String {
        if self.conv == self.fc {
            format!("all-{}", self.conv.label())
        } else {
            format!("{}+{}", self.conv.label(), self.fc.label())
        }
    }

    /// The name of an arm that was given none: `relu-tanh`, `all-tanh`, `leaky0.2-tanh`.
    pub fn slug(self) -> String {
        if self == Self::ALL_TANH { "all-tanh".into() } else { format!("{}-{}", self.conv.slug(), self.fc.slug()) }
    }
}

impl fmt::Display for Activations {
    /// `relu-tanh`, `leaky(0.2)-tanh`, `all-tanh`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL_TANH { f.pad("all-tanh") } else { f.pad(&format!("{}-{}", self.conv, self.fc)) }
    }
}

impl FromStr for Activations {
    type Err = String;

    /// `relu-tanh`, `leaky(0.2)-tanh`, ...; `all-X` stands for `X-X`.
    fn from_str(text: &str) -> Result<Self, String> {
        let explain = |why: String| {
            format!(
                "unknown arm `{text}`: {why}. An arm is CONV-FC, for example relu-tanh, or all-X, for example all-tanh"
            )
        };
        // A hyphen in parentheses belongs to a number.
        let mut depth = 0;
        let hyphen = text.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            *c == '-' && depth == 0
        });
        let without_hyphen = if depth > 0 { "its `(` is not closed" } else { "it has no `-`" };
        let (at, _) = hyphen.ok_or_else(|| explain(without_hyphen.into()))?;
        let (conv, fc) = (&text[..at], &text[at + 1..]);
        let fc: Activation = fc.parse().map_err(explain)?;
        let conv = if conv.eq_ignore_ascii_case("all") { fc } else { conv.parse().map_err(explain)? };
        Ok(Self { conv, fc })
    }
}

/// The most bytes that the name of an arm may have.
const LONGEST: usize = 40;

/// The name of an arm within its study, also of its checkpoint folder: lower-case letters, digits, `.`, `_` and `-`.
/// Its bytes are stored inline, so that lanes are `Copy`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArmId {
    bytes: [u8; LONGEST],
    length: u8,
}

impl ArmId {
    pub const RELU_TANH: Self = Self::constant("relu-tanh");
    pub const ALL_TANH: Self = Self::constant("all-tanh");
    /// As [`Activations::slug`] has it.
    pub const ALL_RELU: Self = Self::constant("relu-relu");

    const fn constant(text: &str) -> Self {
        let mut bytes = [0; LONGEST];
        let mut at = 0;
        while at < text.len() {
            bytes[at] = text.as_bytes()[at];
            at += 1;
        }
        Self { bytes, length: text.len() as u8 }
    }

    pub fn as_str(&self) -> &str {
        // Only valid UTF-8 is ever stored.
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }

    /// The activations in the name, and the number behind them if it is not the first arm of the same.
    fn parts(self) -> Option<(Activations, Option<u32>)> {
        let text = self.as_str();
        if let Ok(activations) = text.parse() {
            return Some((activations, None));
        }
        let (activations, number) = text.rsplit_once('-')?;
        Some((activations.parse().ok()?, Some(number.parse().ok()?)))
    }

    /// The activations in the name, if it consists of some.
    pub(super) fn named_activations(self) -> Option<Activations> {
        self.parts().map(|(activations, _)| activations)
    }

    /// The title as far as it follows from the name alone: `ReLU+Tanh`, `all-Tanh`, `ReLU+Tanh 2`, or the name that was
    /// given.
    pub fn title(self) -> String {
        match self.parts() {
            Some((activations, None)) => activations.title(),
            Some((activations, Some(number))) => format!("{} {number}", activations.title()),
            None => self.as_str().into(),
        }
    }
}

impl fmt::Debug for ArmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl hash::Hash for ArmId {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for ArmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ArmId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let count = text.chars().count();
        if starts && count > LONGEST && text.chars().all(sound) {
            return Err(format!(
                "`{text}` can't name an arm: it has {count} characters, and at most {LONGEST} are allowed"
            ));
        }
        if !starts || text.len() > LONGEST || !text.chars().all(sound) {
            return Err(format!(
                "`{text}` can't name an arm; take 1 to {LONGEST} lower-case letters, digits, `.`, `_` and `-`, beginning \
                 with a letter or digit"
            ));
        }
        Ok(Self::constant(text))
    }
}

impl Serialize for ArmId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ArmId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One arm trained from one seed, with its own curve, checkpoint folder and core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lane {
    pub arm: ArmId,
    pub seed: u64,
}

impl Lane {
    /// The title in running text: `ReLU+Tanh s1`.
    pub fn title(self) -> String {
        format!("{} s{}", self.arm.title(), self.seed)
    }
}

impl fmt::Display for Lane {
    /// `relu-tanh-s1`, which is also the name of its checkpoint folder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-s{}", self.arm, self.seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_read_back_as_they_print() {
        for text in ["relu-tanh", "all-tanh", "softplus-tanh", "relu-relu", "leaky(0.2)-elu(0.001)"] {
            assert_eq!(text.parse::<Activations>().unwrap().to_string(), text);
        }
        for (text, slug, title) in [
            ("tanh-tanh", "all-tanh", "all-Tanh"),
            ("all-relu", "relu-relu", "all-ReLU"),
            ("leaky(0.2)-tanh", "leaky0.2-tanh", "Leaky 0.2+Tanh"),
            ("leaky(1e-3)-tanh", "leaky0.001-tanh", "Leaky 0.001+Tanh"),
        ] {
            let activations: Activations = text.parse().unwrap();
            assert_eq!((activations.slug().as_str(), activations.title().as_str()), (slug, title));
            let arm: ArmId = slug.parse().unwrap();
            assert_eq!(arm.title(), title);
        }
    }

    #[test]
    fn titles_follow_from_names() {
        for (name, title) in [("relu-tanh-2", "ReLU+Tanh 2"), ("all-tanh-3", "all-Tanh 3"), ("fast", "fast")] {
            assert_eq!(name.parse::<ArmId>().unwrap().title(), title);
        }
    }

    #[test]
    fn an_unknown_arm_is_named_with_the_remedy() {
        for text in ["relu", "", "relu-", "-tanh", "bogus-tanh", "relu-tanh-x"] {
            let error = text.parse::<Activations>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains("relu-tanh"), "{error}");
        }
        for text in ["", "-a", ".a", "A", "a b", "a/b", "\u{e9}", &"A".repeat(LONGEST + 1)] {
            let error = text.parse::<ArmId>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains("lower-case"), "{error}");
        }
        let error = "a".repeat(LONGEST + 1).parse::<ArmId>().unwrap_err();
        assert!(error.ends_with("it has 41 characters, and at most 40 are allowed"), "{error}");
    }
}
