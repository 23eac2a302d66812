//! Splits TeX into tokens.

/// A token. A command has its name without the backslash, but `\{` and similar keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Char(char),
    Command(String),
    /// The text of `\text{...}`, and of `\operatorname{...}`.
    Words(String),
    Operator(String),
    Open,
    Close,
    Above,
    Below,
    Column,
    Row,
}

/// Commands whose braces contain plain words.
const WORDS: [&str; 5] = ["text", "textrm", "textit", "textbf", "mbox"];

pub fn tokens(tex: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = tex;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        tokens.push(match c {
            '{' => Token::Open,
            '}' => Token::Close,
            '^' => Token::Above,
            '_' => Token::Below,
            '&' => Token::Column,
            '~' => Token::Command(" ".into()),
            '\\' => {
                let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
                let name = if end > 0 { &rest[..end] } else { rest.get(..char_len(rest)).unwrap_or_default() };
                rest = &rest[name.len()..];
                match name {
                    "\\" => Token::Row,
                    "{" | "}" | "|" => Token::Command(format!("\\{name}")),
                    name if WORDS.contains(&name) || name == "operatorname" => {
                        let after = rest.trim_start_matches('*').trim_start();
                        let held = after.strip_prefix('{').and_then(|after| after.split_once('}'));
                        let (words, behind) = held.ok_or_else(|| format!("`\\{name}` needs its words in braces"))?;
                        rest = behind;
                        if name == "operatorname" { Token::Operator(words.into()) } else { Token::Words(words.into()) }
                    }
                    name => Token::Command(name.into()),
                }
            }
            c if c.is_whitespace() => continue,
            c => Token::Char(c),
        });
    }
    Ok(tokens)
}

fn char_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}
