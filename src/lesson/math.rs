//! Formulas for a terminal.

/// Function names that the typesetter lacks stand as plain letters.
fn with_functions(tex: &str) -> String {
    ["tanh", "sinh", "cosh", "relu", "softplus", "erf"]
        .iter()
        .fold(tex.to_string(), |tex, name| tex.replace(&format!("\\{name}"), name))
}

/// A formula in a line of text, such as `\sigma(x)` -> `σ(x)`.
///
/// # Errors
/// What can't be typeset in one line.
pub fn inline(tex: &str) -> Result<String, String> {
    let source = tex;
    let tex = &with_functions(tex);
    match mdwright_latex::render_unicode_math(tex) {
        Ok(rendered) if rendered.lines().len() == 1 => Ok(rendered.lines()[0].trim().to_string()),
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
    match mdwright_latex::render_unicode_math(&with_functions(tex.trim())) {
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
        assert_eq!(fraction.len(), 3, "{fraction:?}");
    }

    #[test]
    fn nonsense_is_refused_with_its_source() {
        for tex in [r"\frac{1", r"\nosuchcommand{x}"] {
            assert!(display(tex).unwrap_err().contains(tex), "{tex}");
        }
    }
}
