//! Which characters a terminal can show, and what replaces the others.

/// Which characters can be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    #[default]
    Unicode,
    Ascii,
}

impl Glyphs {
    /// By the locale alone, in the order of POSIX; the terminal is not queried.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let upper = locale.to_uppercase();
        if upper.contains("UTF-8") || upper.contains("UTF8") { Self::Unicode } else { Self::Ascii }
    }

    /// Text in these characters: `σ(x²)` becomes `sigma(x^2)`. It may get longer, so this is done before lines are
    /// broken.
    pub fn text(self, text: &str) -> String {
        match self {
            Self::Ascii if !text.is_ascii() => to_ascii(text),
            _ => text.into(),
        }
    }

    /// A raised (`^`) or lowered (`_`) letter, if there is such a small one.
    pub fn small(mark: char, letter: char) -> Option<char> {
        let table = if mark == '^' { RAISED } else { LOWERED };
        pairs(table).find(|pair| pair.1 == letter).map(|pair| pair.0)
    }
}

/// The text with each character replaced by ASCII.
fn to_ascii(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut plain = String::with_capacity(text.len());
    // Whether the letters before are a whole word, which another one would join.
    let mut after_word = false;
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| chars.get(before)).copied();
        let mut cell = String::new();
        if let Some(word) = word(c) {
            if before.is_some_and(|c| c.is_ascii_alphanumeric()) || after_word {
                cell.push(' ');
            }
            cell.push_str(word);
        } else if let Some((mark, like)) = raised(c) {
            let same = |other: Option<char>| other.and_then(raised).is_some_and(|(other, _)| other == mark);
            let (first, last) = (!same(before), !same(chars.get(at + 1).copied()));
            let run = chars[..at].iter().rposition(|c| raised(*c).is_none_or(|r| r.0 != mark)).map_or(0, |at| at + 1);
            let likes = chars[run..].iter().map_while(|c| raised(*c).filter(|r| r.0 == mark)).map(|r| r.1);
            let signs = likes.clone().any(|like| !like.is_ascii_alphanumeric());
            let grouped = signs && likes.clone().count() > 1 && !likes.clone().eq("()".chars());
            let grouped = grouped && chars.get(run).and_then(|c| raised(*c)).is_some_and(|r| r.1 != '(');
            if first {
                cell.push(mark);
            }
            if first && grouped {
                cell.push('(');
            }
            cell.push(like);
            if last && grouped {
                cell.push(')');
            }
            // What follows is not raised: `D^T D`.
            let next = chars.get(at + 1).copied();
            if last && next.is_some_and(|c| c.is_ascii_alphanumeric() || word(c).is_some()) {
                cell.push(' ');
            }
        } else {
            if after_word && c.is_ascii_alphanumeric() {
                cell.push(' ');
            }
            match sign(c) {
                Some(like) => cell.push_str(like),
                None if c.is_ascii() => cell.push(c),
                None => cell.push('?'),
            }
        }
        after_word = word(c).is_some();
        plain.push_str(&cell);
    }
    plain
}

/// Letters and symbols that are read as a word.
fn word(c: char) -> Option<&'static str> {
    Some(match c {
        'α' => "alpha",
        'β' => "beta",
        'γ' => "gamma",
        'δ' => "delta",
        'ε' | 'ϵ' => "epsilon",
        'ζ' => "zeta",
        'η' => "eta",
        'θ' | 'ϑ' => "theta",
        'κ' => "kappa",
        'λ' => "lambda",
        'μ' | 'µ' => "mu",
        'ν' => "nu",
        'ξ' => "xi",
        'π' => "pi",
        'ρ' => "rho",
        'σ' | 'ς' => "sigma",
        'τ' => "tau",
        'φ' | 'ϕ' => "phi",
        'χ' => "chi",
        'ψ' => "psi",
        'ω' => "omega",
        'Γ' => "Gamma",
        'Δ' => "Delta",
        'Θ' => "Theta",
        'Λ' => "Lambda",
        'Π' => "Pi",
        'Σ' => "Sigma",
        'Φ' => "Phi",
        'Ψ' => "Psi",
        'Ω' => "Omega",
        '∑' => "sum",
        '∏' => "prod",
        '∫' => "int",
        '√' => "sqrt",
        '∂' => "d",
        '∇' => "nabla",
        '∞' => "inf",
        'ι' => "iota",
        'υ' => "upsilon",
        'Ξ' => "Xi",
        'ħ' => "hbar",
        '∪' => "cup",
        '∩' => "cap",
        '⋃' => "union",
        '⋂' => "intersection",
        '∧' => "and",
        '∨' => "or",
        '∀' => "all",
        '∃' => "some",
        '∉' => "not in",
        '⊂' | '⊆' => "subset of",
        '∅' => "empty",
        '∈' => "in",
        '∝' => "propto",
        '°' => "deg",
        _ => return None,
    })
}

/// Signs and accented letters.
fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{a0}' | '\u{2009}' | '\u{202f}' => " ",
        '•' | '·' | '⋅' | '∙' | '∗' => "*",
        '⋯' => "...",
        '⋮' => ":",
        '⊤' => "T",
        '⊙' => "(.)",
        '⊕' => "(+)",
        '⊗' => "(x)",
        '─' | '━' | '–' | '—' | '−' | '‐' | '‑' => "-",
        '▏' | '│' | '┃' | '⎜' | '⎟' | '⎪' | '⎢' | '⎥' | '∣' => "|",
        '⎛' | '⎠' | '⎧' | '⎭' | '⁄' | '÷' => "/",
        '⎝' | '⎞' | '⎩' | '⎫' | '∖' => "\\",
        '⎡' | '⎣' | '⌊' | '⌈' => "[",
        '⎤' | '⎦' | '⌋' | '⌉' => "]",
        '⎨' | '⟨' => "<",
        // The last marks the chosen answer.
        '⎬' | '⟩' | '▸' | '»' => ">",
        '×' => "x",
        // One column for one, because titles are cut with it.
        '…' | '≈' | '∼' | '◐' => "~",
        '’' | '‘' | '′' => "'",
        '“' | '”' | '″' | '«' => "\"",
        '→' => "->",
        '←' => "<-",
        '↔' => "<->",
        '⇒' => "=>",
        '⇔' => "<=>",
        '↦' => "|->",
        '≥' => ">=",
        '≤' => "<=",
        '≫' => ">>",
        '≪' => "<<",
        '≠' => "!=",
        '≡' => "==",
        '±' => "+-",
        '∓' => "-+",
        '↑' => "^",
        '\u{302}' => "_hat",
        '\u{303}' => "_tilde",
        '\u{304}' | '\u{305}' => "_bar",
        '\u{307}' => "_dot",
        '\u{308}' => "_ddot",
        '\u{20d7}' => "_vec",
        '↓' => "v",
        '✕' | '✓' | '†' | '┌' => "+",
        '‖' | '∥' | '║' => "||",
        '½' => "1/2",
        '¼' => "1/4",
        '¾' => "3/4",
        'ℝ' => "R",
        'ℕ' => "N",
        'ℤ' => "Z",
        'ℚ' => "Q",
        'ℂ' => "C",
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => "A",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'È' | 'É' | 'Ê' | 'Ë' => "E",
        'ì' | 'í' | 'î' | 'ï' => "i",
        '●' | '∘' | 'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' | 'Ø' => "O",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'Ù' | 'Ú' | 'Û' | 'Ü' => "U",
        'ç' | 'č' | 'ć' => "c",
        'ñ' | 'ń' => "n",
        'š' | 'ś' => "s",
        'ž' | 'ż' | 'ź' => "z",
        'ℓ' | 'ł' => "l",
        'ß' => "ss",
        'æ' => "ae",
        _ => return None,
    })
}

const RAISED: &str = "⁰0¹1²2³3⁴4⁵5⁶6⁷7⁸8⁹9⁺+⁻−⁼=⁽(⁾)ᵃaᵇbᶜcᵈdᵉeᶠfᵍgʰhⁱiʲjᵏkˡlᵐmⁿnᵒoᵖpʳrˢsᵗtᵘuᵛvʷwˣxʸyᶻzᴬAᴮBᴰDᴱEᴳGᴴHᴵIᴶJᴷKᴸLᴹMᴺNᴼOᴾPᴿRᵀTᵁUⱽVᵂW";
const LOWERED: &str = "₀0₁1₂2₃3₄4₅5₆6₇7₈8₉9₊+₋−₌=₍(₎)ₐaₑeₕhᵢiⱼjₖkₗlₘmₙnₒoₚpᵣrₛsₜtᵤuᵥvₓx";

/// Small letters and the letters that they are.
fn pairs(table: &'static str) -> impl Iterator<Item = (char, char)> {
    let mut letters = table.chars();
    std::iter::from_fn(move || letters.next().zip(letters.next()))
}

/// A raised or lowered letter: its mark, and the letter itself.
fn raised(c: char) -> Option<(char, char)> {
    if c.is_ascii() {
        return None;
    }
    let find = |table, mark| pairs(table).find(|pair| pair.0 == c).map(|pair| (mark, pair.1));
    let ascii = |(mark, like): (char, char)| (mark, if like == '−' { '-' } else { like });
    find(RAISED, '^').or_else(|| find(LOWERED, '_')).map(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_formula_can_be_read_in_ascii() {
        let cases = [
            ("σ(x)", "sigma(x)"),
            ("2σ(2z) - 1", "2 sigma(2z) - 1"),
            ("x² + y¹⁰", "x^2 + y^10"),
            ("1+e⁻ˣ", "1+e^(-x)"),
            ("√(s²E)", "sqrt(s^2 E)"),
            ("∑ⁿᵢ₌₁xᵢ", "sum^n_(i=1) x_i"),
            ("W⁽ˡ⁾", "W^(l)"),
            ("Wᵀδ, DᵀD, xᵢ²", "W^T delta, D^T D, x_i^2"),
            ("πσ ≈ 5°", "pi sigma ~ 5 deg"),
            ("x → ∞, x ≤ 1", "x -> inf, x <= 1"),
            ("Glöckner, Rubén · »", "Glockner, Ruben * >"),
            ("plain", "plain"),
        ];
        for (rich, plain) in cases {
            assert_eq!(Glyphs::Ascii.text(rich), plain);
            assert_eq!(Glyphs::Unicode.text(rich), rich);
        }
    }
}
