//! Types that are stored and sent as the text that a reader writes for them.

/// Stores a type as the text of its `Display`, which its `FromStr` reads; for `#[serde(try_from, into)]`.
macro_rules! stored_as_text {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}
pub(crate) use stored_as_text;
