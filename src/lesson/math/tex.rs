//! Parses TeX into the parts of a formula.

use super::symbols::{self, Class, accent, closing, fence, function, is_closing, plain_symbol, symbol};
use super::token::{Token, tokens};

pub type Row = Vec<Node>;

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Symbol(String, Class),
    Space(usize),
    Group(Row),
    Scripts { base: Box<Node>, below: Option<Row>, above: Option<Row> },
    Fraction(Row, Row),
    Root { degree: Option<Row>, body: Row },
    Fenced { open: &'static str, close: &'static str, body: Row },
    Grid(Grid),
}

/// Rows of columns: a matrix, cases, equations below each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    pub open: &'static str,
    pub close: &'static str,
    pub columns: Columns,
    pub rows: Vec<Vec<Row>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    Centred,
    Left,
    /// Right- and left-aligned in turn, without space between the two: they meet at the sign that is aligned.
    Meeting,
}

/// Deeper than any readable formula.
const DEEPEST: usize = 24;

/// Parses a formula; several lines or columns make it a grid.
pub fn read(tex: &str) -> Result<Row, String> {
    let mut reader = Reader { tokens: tokens(tex)?, at: 0, depth: 0 };
    let rows = reader.rows()?;
    if let Some(token) = reader.peek() {
        return Err(match token {
            Token::Command(name) => format!("`\\{name}` closes nothing"),
            _ => "a `}` closes nothing".into(),
        });
    }
    Ok(match rows.as_slice() {
        [row] if row.len() == 1 => row[0].clone(),
        _ => vec![Node::Grid(Grid { open: "", close: "", columns: Columns::Meeting, rows })],
    })
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        self.at += usize::from(is);
        is
    }

    fn rows(&mut self) -> Result<Vec<Vec<Row>>, String> {
        let mut rows = vec![vec![self.row(None)?]];
        loop {
            if self.takes(&Token::Row) {
                rows.push(vec![self.row(None)?]);
            } else if self.takes(&Token::Column) {
                let cell = self.row(None)?;
                rows.last_mut().into_iter().for_each(|row| row.push(cell.clone()));
            } else {
                // A line break after the last line adds no line.
                if rows.len() > 1 && rows.last().is_some_and(|row| row.iter().all(Vec::is_empty)) {
                    rows.pop();
                }
                return Ok(rows);
            }
        }
    }

    /// Parses up to the end of this part, without consuming it: a brace, a column, a line, the end of an environment,
    /// or this fence.
    fn row(&mut self, until: Option<&str>) -> Result<Row, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".into());
        }
        let mut row = Row::new();
        while let Some(token) = self.peek() {
            let ends = match token {
                Token::Close | Token::Column | Token::Row => true,
                Token::Command(name) if matches!(name.as_str(), "end" | "right") => true,
                token => until.is_some_and(|until| name_of(token) == until),
            };
            if ends {
                break;
            }
            self.piece(&mut row)?;
        }
        self.depth -= 1;
        Ok(row)
    }

    fn piece(&mut self, row: &mut Row) -> Result<(), String> {
        let token = self.next().unwrap_or(Token::Close);
        match token {
            Token::Above | Token::Below => {
                let script = self.argument("a raised or lowered part")?;
                let (below, above, base) = match row.pop() {
                    Some(Node::Scripts { base, below, above }) => (below, above, base),
                    base => (None, None, Box::new(base.unwrap_or(Node::Group(Row::new())))),
                };
                let raised = token == Token::Above;
                if (if raised { &above } else { &below }).is_some() {
                    return Err("it is raised or lowered twice; use braces".into());
                }
                let (below, above) = if raised { (below, Some(script)) } else { (Some(script), above) };
                row.push(Node::Scripts { base, below, above });
            }
            Token::Char('\'') => {
                let mark = Node::Symbol("′".into(), Class::Ordinary);
                row.push(mark);
            }
            Token::Char(c) if c.is_ascii_digit() => {
                let mut number = String::from(c);
                while let Some(&Token::Char(next)) = self.peek() {
                    let decimal = next == '.'
                        && matches!(self.tokens.get(self.at + 1), Some(Token::Char(c)) if c.is_ascii_digit());
                    if !next.is_ascii_digit() && !decimal {
                        break;
                    }
                    number.push(next);
                    self.at += 1;
                }
                row.push(Node::Symbol(number, Class::Ordinary));
            }
            Token::Open => {
                self.at -= 1;
                let group = self.argument("a group")?;
                row.push(Node::Group(group));
            }
            Token::Words(words) => row.push(Node::Symbol(words.replace(' ', "\u{a0}"), Class::Ordinary)),
            Token::Operator(name) => row.push(Node::Symbol(name, Class::Function)),
            Token::Char(_) => {
                let node = self.fenced_or(&token)?;
                row.push(node);
            }
            Token::Command(ref name) => {
                if let Some(node) = self.command(name, &token)? {
                    row.push(node);
                }
            }
            Token::Close | Token::Column | Token::Row => {}
        }
        Ok(())
    }

    /// A fence that is opened and closed contains a formula; otherwise it is a symbol, as in `(0, 1]`.
    fn fenced_or(&mut self, token: &Token) -> Result<Node, String> {
        let name = name_of(token);
        let close = if matches!(name, "|" | "\\|") { Some(name) } else { closing(name) };
        if let Some(close) = close.and_then(|close| self.closes(close)) {
            let body = self.row(Some(&close))?;
            self.at += 1;
            let (open, close) = (fence(name).unwrap_or_default(), fence(&close).unwrap_or_default());
            return Ok(Node::Fenced { open, close, body });
        }
        Ok(match token {
            Token::Char(c) => {
                let (text, class) = plain_symbol(*c);
                Node::Symbol(text, class)
            }
            _ => Node::Symbol(fence(name).unwrap_or_default().into(), Class::Ordinary),
        })
    }

    /// What closes a fence that was just opened: its own sign, or another one, as in a half-open interval.
    fn closes(&self, close: &str) -> Option<String> {
        let (mut braces, mut fences) = (0_usize, 0_usize);
        for token in &self.tokens[self.at..] {
            match token {
                Token::Open => braces += 1,
                Token::Close => braces = braces.checked_sub(1)?,
                Token::Column | Token::Row if braces == 0 => return None,
                token if braces == 0 => {
                    let name = name_of(token);
                    if fences == 0 && (name == close || (is_closing(name) && is_closing(close))) {
                        return Some(name.into());
                    }
                    if closing(name).is_some() {
                        fences += 1;
                    } else if is_closing(name) {
                        fences = fences.checked_sub(1)?;
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// A group in braces, or a single token.
    fn argument(&mut self, what: &str) -> Result<Row, String> {
        if self.takes(&Token::Open) {
            let row = self.row(None)?;
            return if self.takes(&Token::Close) { Ok(row) } else { Err("a `{` is not closed".into()) };
        }
        let mut row = Row::new();
        match self.peek() {
            None | Some(Token::Close | Token::Column | Token::Row | Token::Above | Token::Below) => {
                Err(format!("{what} is missing"))
            }
            // `x^10` raises only the 1, as in TeX.
            Some(&Token::Char(c)) if c.is_ascii_digit() => {
                self.at += 1;
                Ok(vec![Node::Symbol(c.into(), Class::Ordinary)])
            }
            Some(_) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err("it is nested too deeply".into());
                }
                self.piece(&mut row)?;
                self.depth -= 1;
                Ok(row)
            }
        }
    }

    fn command(&mut self, name: &str, token: &Token) -> Result<Option<Node>, String> {
        Ok(Some(match name {
            "frac" | "dfrac" | "tfrac" => {
                let above = self.argument("what a fraction has above")?;
                Node::Fraction(above, self.argument("what a fraction has below")?)
            }
            "sqrt" => {
                let degree = if self.takes(&Token::Char('[')) {
                    let degree = self.row(Some("]"))?;
                    if !self.takes(&Token::Char(']')) {
                        return Err("a `[` is not closed".into());
                    }
                    Some(degree)
                } else {
                    None
                };
                Node::Root { degree, body: self.argument("what a root is of")? }
            }
            "binom" => {
                let rows = vec![vec![self.argument("its upper number")?], vec![self.argument("its lower number")?]];
                Node::Grid(Grid { open: "(", close: ")", columns: Columns::Centred, rows })
            }
            "mathbb" => {
                let row = self.argument("a letter")?;
                Node::Group(row.into_iter().map(blackboard).collect())
            }
            "mathrm" | "mathbf" | "mathit" | "mathcal" | "mathsf" | "boldsymbol" | "bm" => {
                Node::Group(self.argument("a letter")?)
            }
            "left" => return self.grown().map(Some),
            "begin" => return self.environment().map(Some),
            " " | "," | ";" | ":" | ">" => Node::Space(1),
            "quad" => Node::Space(3),
            "qquad" => Node::Space(6),
            // Sizes are ignored, as a terminal has one.
            "!" | "limits" | "nolimits" | "displaystyle" | "textstyle" | "big" | "Big" | "bigl" | "bigr" | "Bigl"
            | "Bigr" | "bigg" | "Bigg" | "middle" => return Ok(None),
            name => {
                if let Some(mark) = accent(name) {
                    return self.accented(name, mark).map(Some);
                }
                if let Some(class) = function(name) {
                    return Ok(Some(Node::Symbol(name.into(), class)));
                }
                if let Some((text, class)) = symbol(name) {
                    return Ok(Some(Node::Symbol(text.into(), class)));
                }
                if closing(name).is_some() || is_closing(name) || fence(name).is_some() {
                    return self.fenced_or(token).map(Some);
                }
                return Err(format!("the notebook knows no `\\{name}`"));
            }
        }))
    }

    /// A mark over one letter. Several letters get it behind them, in words that a terminal can show.
    fn accented(&mut self, name: &str, mark: char) -> Result<Node, String> {
        let row = self.argument("a letter")?;
        match row.as_slice() {
            [Node::Symbol(letter, class)] if letter.chars().count() == 1 => {
                Ok(Node::Symbol(format!("{letter}{mark}"), *class))
            }
            _ => Err(format!("`\\{name}` goes over one letter alone")),
        }
    }

    /// `\left( ... \right)`
    fn grown(&mut self) -> Result<Node, String> {
        let open = self.fence_behind("left")?;
        let body = self.row(None)?;
        if !self.takes(&Token::Command("right".into())) {
            return Err("a `\\left` has no `\\right`".into());
        }
        Ok(Node::Fenced { open, close: self.fence_behind("right")?, body })
    }

    fn fence_behind(&mut self, name: &str) -> Result<&'static str, String> {
        let token = self.next();
        let found = token.as_ref().and_then(|token| fence(name_of(token)));
        found.ok_or_else(|| format!("`\\{name}` needs a parenthesis or its like"))
    }

    fn environment(&mut self) -> Result<Node, String> {
        let name = self.named()?;
        let (open, close, columns) = match name.as_str() {
            "cases" => ("{", "", Columns::Left),
            "matrix" => ("", "", Columns::Centred),
            "pmatrix" => ("(", ")", Columns::Centred),
            "bmatrix" => ("[", "]", Columns::Centred),
            "vmatrix" => ("|", "|", Columns::Centred),
            "aligned" | "align" | "align*" | "split" => ("", "", Columns::Meeting),
            _ => return Err(format!("the notebook knows no `\\begin{{{name}}}`")),
        };
        let rows = self.rows()?;
        if !self.takes(&Token::Command("end".into())) || self.named()? != name {
            return Err(format!("`\\begin{{{name}}}` has no `\\end{{{name}}}`"));
        }
        Ok(Node::Grid(Grid { open, close, columns, rows }))
    }

    /// The name in braces after `\begin` and `\end`.
    fn named(&mut self) -> Result<String, String> {
        let mut name = String::new();
        let opened = self.takes(&Token::Open);
        while let Some(Token::Char(c)) = self.peek().filter(|_| opened) {
            name.push(*c);
            self.at += 1;
        }
        if opened && self.takes(&Token::Close) { Ok(name) } else { Err("`\\begin` and `\\end` need a name".into()) }
    }
}

/// As in the tables of fences.
fn name_of(token: &Token) -> &str {
    match token {
        Token::Char('(') => "(",
        Token::Char(')') => ")",
        Token::Char('[') => "[",
        Token::Char(']') => "]",
        Token::Char('|') => "|",
        Token::Char('.') => ".",
        Token::Char('/') => "/",
        Token::Command(name) => name,
        _ => "",
    }
}

fn blackboard(node: Node) -> Node {
    match node {
        Node::Symbol(text, class) => Node::Symbol(text.chars().map(symbols::blackboard).collect(), class),
        node => node,
    }
}
