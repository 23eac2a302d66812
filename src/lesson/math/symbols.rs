//! What TeX's commands look like on a terminal, and how a symbol is spaced.

/// The class of a piece of a formula, which decides the space between it and its neighbours, as in TeX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Ordinary,
    /// `ln`, `tanh`: separated from an argument without parentheses.
    Function,
    /// `max`, `lim`: the same, and a subscript goes below it.
    Limits,
    /// A sum or a product.
    Big,
    Binary,
    /// A `-` before its number.
    Sign,
    Relation,
    Punctuation,
    /// Something in parentheses.
    Fence,
    Fraction,
    Space,
}

/// Spaces between two pieces.
pub fn gap(left: Class, right: Class) -> usize {
    use Class::{Big, Binary, Fence, Fraction, Function, Limits, Ordinary, Punctuation, Relation, Sign, Space};
    match (left, right) {
        (Space | Sign, _) | (_, Space | Punctuation) | (Function | Limits, Fence) => 0,
        (Relation | Binary | Punctuation | Big | Fraction | Function | Limits, _)
        | (_, Relation | Binary | Fraction)
        | (Ordinary | Fence, Function | Limits | Big) => 1,
        (Ordinary | Fence, _) => 0,
    }
}

/// A named function.
pub fn function(name: &str) -> Option<Class> {
    const PLAIN: [&str; 26] = [
        "ln", "log", "lg", "exp", "sin", "cos", "tan", "cot", "sinh", "cosh", "tanh", "coth", "arcsin", "arccos",
        "arctan", "det", "dim", "deg", "gcd", "ker", "arg", "Pr", "relu", "softplus", "erf", "softmax",
    ];
    const LIMITS: [&str; 8] = ["max", "min", "lim", "sup", "inf", "argmax", "argmin", "limsup"];
    if PLAIN.contains(&name) { Some(Class::Function) } else { LIMITS.contains(&name).then_some(Class::Limits) }
}

/// A command that is one symbol.
pub fn symbol(name: &str) -> Option<(&'static str, Class)> {
    let (table, class) = [
        (ORDINARY, Class::Ordinary),
        (BINARY, Class::Binary),
        (RELATIONS, Class::Relation),
        (BIG, Class::Big),
        (PUNCTUATION, Class::Punctuation),
    ]
    .into_iter()
    .find_map(|(table, class)| Some((table.iter().find(|(known, _)| *known == name)?.1, class)))?;
    Some((table, class))
}

/// A character that stands for itself.
pub fn plain_symbol(c: char) -> (String, Class) {
    match c {
        '-' => ("−".into(), Class::Binary),
        '*' => ("∗".into(), Class::Binary),
        '+' | '±' | '×' | '·' => (c.into(), Class::Binary),
        '=' | '<' | '>' | '≤' | '≥' | '≠' | '≈' | '→' | '←' | '∈' => (c.into(), Class::Relation),
        ',' | ';' | ':' => (c.into(), Class::Punctuation),
        c => (c.into(), Class::Ordinary),
    }
}

/// Letters of the number sets.
pub fn blackboard(c: char) -> char {
    match c {
        'R' => 'ℝ',
        'N' => 'ℕ',
        'Z' => 'ℤ',
        'Q' => 'ℚ',
        'C' => 'ℂ',
        c => c,
    }
}

/// The mark over a letter, as a combining character.
pub fn accent(name: &str) -> Option<char> {
    Some(match name {
        "hat" | "widehat" => '\u{302}',
        "bar" | "overline" => '\u{304}',
        "tilde" | "widetilde" => '\u{303}',
        "dot" => '\u{307}',
        "ddot" => '\u{308}',
        "vec" => '\u{20d7}',
        _ => return None,
    })
}

/// What opens and closes; the closing fence of an opening one.
pub fn closing(open: &str) -> Option<&'static str> {
    FENCES.iter().find(|(known, ..)| *known == open).map(|fence| fence.1)
}

pub fn is_closing(name: &str) -> bool {
    FENCES.iter().any(|(_, close, ..)| *close == name)
}

/// How a fence looks on one line.
pub fn fence(name: &str) -> Option<&'static str> {
    match name {
        "." => Some(""),
        "/" => Some("/"),
        "|" | "vert" => Some("|"),
        "\\|" | "Vert" => Some("‖"),
        _ => FENCES.iter().find_map(
            |(open, close, left, right)| {
                if *open == name { Some(*left) } else { (*close == name).then_some(*right) }
            },
        ),
    }
}

/// Opening, closing, and how both look. A command is given by its name.
const FENCES: &[(&str, &str, &str, &str)] = &[
    ("(", ")", "(", ")"),
    ("[", "]", "[", "]"),
    ("\\{", "\\}", "{", "}"),
    ("lbrace", "rbrace", "{", "}"),
    ("langle", "rangle", "⟨", "⟩"),
    ("lfloor", "rfloor", "⌊", "⌋"),
    ("lceil", "rceil", "⌈", "⌉"),
    ("lvert", "rvert", "|", "|"),
    ("lVert", "rVert", "‖", "‖"),
];

const ORDINARY: &[(&str, &str)] = &[
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("epsilon", "ε"),
    ("varepsilon", "ε"),
    ("zeta", "ζ"),
    ("eta", "η"),
    ("theta", "θ"),
    ("vartheta", "θ"),
    ("iota", "ι"),
    ("kappa", "κ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("nu", "ν"),
    ("xi", "ξ"),
    ("pi", "π"),
    ("rho", "ρ"),
    ("varrho", "ρ"),
    ("sigma", "σ"),
    ("varsigma", "ς"),
    ("tau", "τ"),
    ("upsilon", "υ"),
    ("phi", "φ"),
    ("varphi", "φ"),
    ("chi", "χ"),
    ("psi", "ψ"),
    ("omega", "ω"),
    ("Gamma", "Γ"),
    ("Delta", "Δ"),
    ("Theta", "Θ"),
    ("Lambda", "Λ"),
    ("Xi", "Ξ"),
    ("Pi", "Π"),
    ("Sigma", "Σ"),
    ("Phi", "Φ"),
    ("Psi", "Ψ"),
    ("Omega", "Ω"),
    ("infty", "∞"),
    ("partial", "∂"),
    ("nabla", "∇"),
    ("ell", "ℓ"),
    ("hbar", "ħ"),
    ("emptyset", "∅"),
    ("forall", "∀"),
    ("exists", "∃"),
    ("top", "⊤"),
    ("prime", "′"),
    ("degree", "°"),
    ("ldots", "…"),
    ("dots", "…"),
    ("cdots", "⋯"),
    ("vdots", "⋮"),
    ("%", "%"),
    ("#", "#"),
    ("&", "&"),
    ("$", "$"),
    ("_", "_"),
];

const BINARY: &[(&str, &str)] = &[
    ("cdot", "⋅"),
    ("times", "×"),
    ("div", "÷"),
    ("pm", "±"),
    ("mp", "∓"),
    ("circ", "∘"),
    ("ast", "∗"),
    ("odot", "⊙"),
    ("oplus", "⊕"),
    ("otimes", "⊗"),
    ("cup", "∪"),
    ("cap", "∩"),
    ("setminus", "∖"),
    ("wedge", "∧"),
    ("land", "∧"),
    ("vee", "∨"),
    ("lor", "∨"),
];

const RELATIONS: &[(&str, &str)] = &[
    ("le", "≤"),
    ("leq", "≤"),
    ("ge", "≥"),
    ("geq", "≥"),
    ("ll", "≪"),
    ("gg", "≫"),
    ("ne", "≠"),
    ("neq", "≠"),
    ("approx", "≈"),
    ("sim", "∼"),
    ("equiv", "≡"),
    ("propto", "∝"),
    ("in", "∈"),
    ("notin", "∉"),
    ("subset", "⊂"),
    ("subseteq", "⊆"),
    ("mid", "∣"),
    ("to", "→"),
    ("rightarrow", "→"),
    ("leftarrow", "←"),
    ("gets", "←"),
    ("leftrightarrow", "↔"),
    ("Rightarrow", "⇒"),
    ("implies", "⇒"),
    ("iff", "⇔"),
    ("Leftrightarrow", "⇔"),
    ("mapsto", "↦"),
];

const BIG: &[(&str, &str)] = &[("sum", "∑"), ("prod", "∏"), ("int", "∫"), ("bigcup", "⋃"), ("bigcap", "⋂")];

const PUNCTUATION: &[(&str, &str)] = &[("colon", ":")];
