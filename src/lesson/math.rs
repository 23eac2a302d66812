//! Formulas for a terminal.

/// Function names that the typesetter lacks stand as plain letters.
fn with_functions(tex: &str) -> String {
    ["tanh", "sinh", "cosh", "relu", "softplus", "erf"]
        .iter()
        .fold(tex.to_string(), |tex, name| tex.replace(&format!("\\{name}"), name))
}

/// Room around relations, and in a displayed formula around `+` and `-` between two things; nothing within braces,
/// brackets or parentheses, where a formula is read as one word.
fn with_room(tex: &str, display: bool) -> String {
    let tex = &arrows(tex);
    let mut depth = 0_usize;
    let mut spaced = String::with_capacity(tex.len());
    // The last character that is no space, and whether it belongs to a command such as `\\cdot`.
    let (mut last, mut command) = (None::<char>, false);
    for c in tex.chars() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let ends = |last: Option<char>| last.is_some_and(|last| last.is_alphanumeric() || ")}]'".contains(last));
        let relation = matches!(c, '=' | '<' | '>');
        let operator = display && matches!(c, '+' | '-') && ends(last) && !command;
        if depth == 0 && (relation || operator) {
            spaced.push_str("\\ ");
            spaced.push(c);
            spaced.push_str("\\ ");
        } else {
            spaced.push(c);
        }
        command = c == '\\' || (command && c.is_alphabetic());
        if !c.is_whitespace() {
            last = Some(c);
        }
    }
    spaced
}

/// Relations that have a name get their room here: what stands behind one is no letter of its own.
fn arrows(tex: &str) -> String {
    let names = ["leftarrow", "rightarrow", "to", "le", "leq", "ge", "geq", "approx", "in", "propto"];
    let mut pieces = tex.split('\\');
    let mut spaced = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(piece.len());
        let parts = if names.contains(&&piece[..end]) {
            ["\\ \\", &piece[..end], "\\ ", piece[end..].trim_start()]
        } else {
            ["\\", piece, "", ""]
        };
        spaced.push_str(&parts.concat());
    }
    spaced
}

/// A root of more than one letter keeps together what stands under it.
fn with_roots(tex: &str) -> String {
    let Some((before, rest)) = tex.split_once("\\sqrt{") else { return tex.into() };
    let mut depth = 1;
    let end = rest.char_indices().find(|&(_, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    match end {
        Some((at, _)) if rest[..at].chars().count() > 1 => {
            format!("{before}\\sqrt{{({})}}{}", with_roots(&rest[..at]), with_roots(&rest[at + 1..]))
        }
        Some((at, _)) => format!("{before}\\sqrt{{{}}}{}", &rest[..at], with_roots(&rest[at + 1..])),
        None => tex.into(),
    }
}

/// A short formula stays on one line.
fn kept_together(formula: &str) -> String {
    if formula.chars().count() <= 24 { formula.replace(' ', "\u{a0}") } else { formula.into() }
}

/// A formula in a line of text, such as `\sigma(x)` -> `σ(x)`.
///
/// # Errors
/// What can't be typeset in one line.
pub fn inline(tex: &str) -> Result<String, String> {
    let source = tex;
    let tex = &with_functions(tex);
    match mdwright_latex::render_unicode_math(&with_room(&with_roots(tex), false)) {
        Ok(rendered) if rendered.lines().len() == 1 => Ok(kept_together(rendered.lines()[0].trim())),
        _ => {
            let replaced = unicodeit::replace(tex);
            if replaced.contains('\\') || replaced.contains('{') {
                Err(format!("the formula `{source}` does not typeset in one line; write it simpler, or display it"))
            } else {
                Ok(replaced)
            }
        }
    }
}

/// A formula on lines of its own.
///
/// # Errors
/// What can't be typeset.
pub fn display(tex: &str) -> Result<Vec<String>, String> {
    match mdwright_latex::render_unicode_math(&with_room(&with_roots(&with_functions(tex.trim())), true)) {
        Ok(rendered) => Ok(rendered.lines().iter().map(|line| line.trim_end().to_string()).collect()),
        Err(error) => inline(tex.trim())
            .map(|line| vec![line])
            .map_err(|_| format!("the formula `{}` does not typeset: {}", tex.trim(), error.message())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_of_the_course_typeset() {
        assert_eq!(inline(r"\sigma(x)").unwrap(), "σ(x)");
        assert_eq!(inline("x^2").unwrap(), "x²");
        assert_eq!(inline(r"\max(0, x)").unwrap(), "max(0,x)");
        let fraction = display(r"\sigma(x) = \frac{1}{1 + e^{-x}}").unwrap();
        assert_eq!(fraction, ["         1", "σ(x) = ─────", "       1+e⁻ˣ"]);
        assert_eq!(display(r"\tanh(z) = 2\sigma(2z) - 1").unwrap(), ["tanh(z) = 2σ(2z) - 1"]);
        assert_eq!(inline("x = -1").unwrap(), "x\u{a0}=\u{a0}-1");
        assert_eq!(inline(r"v \leftarrow 0.9 v").unwrap(), "v\u{a0}←\u{a0}0.9v");
        assert_eq!(inline(r"\sqrt{s^2 E}").unwrap(), "√(s²E)");
        assert_eq!(inline(r"\sum_{i=1}^n x_i").unwrap(), "∑ⁿᵢ₌₁xᵢ");
    }

    #[test]
    fn nonsense_is_refused_with_its_source() {
        for tex in [r"\frac{1", r"\nosuchcommand{x}"] {
            assert!(display(tex).unwrap_err().contains(tex), "{tex}");
        }
    }
}
