//! Writes HTML. Every text and every value of an attribute is escaped here, so that no text of unknown origin becomes markup. All
//! elements are closed, as in XML, so that a parser of XML reads a page too.

use protocol::escape_controls;

/// A page, or a part of one.
#[derive(Default)]
pub struct Html(String);

impl Html {
    /// An empty document.
    pub fn document() -> Self {
        Self("<!DOCTYPE html>\n".into())
    }

    pub fn text(&mut self, text: &str) {
        for c in escape_controls(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                c => self.0.push(c),
            }
        }
    }

    /// An element with what `content` writes into it.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        content: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        self.0.push('>');
        content(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        if !is_inline(name) {
            self.0.push('\n');
        }
    }

    /// An element with a text.
    pub fn leaf(&mut self, name: &'static str, text: &str) {
        self.element(name, &[], |html| html.text(text));
    }

    /// An element that never has content, such as `meta`.
    pub fn void(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.open(name, attributes);
        self.0.push_str("/>\n");
    }

    /// Appends what is markup already: a picture, or a style sheet.
    pub fn markup(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    pub fn into_string(self) -> String {
        self.0
    }

    fn open(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
    }
}

/// A line break behind these would show as a space.
fn is_inline(name: &str) -> bool {
    matches!(name, "code" | "span" | "strong")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let mut html = Html::default();
        html.element("p", &[("title", "\"><script>")], |html| {
            html.text("<b> & \u{1b}[31m\u{202e}\nnext");
            html.leaf("code", "a < b");
        });
        assert_eq!(
            html.into_string(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt; &amp; \\u{1b}[31m\\u{202e}\nnext<code>a &lt; b</code></p>\n"
        );
    }
}
