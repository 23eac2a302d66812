//! Values of the reader's progress that are not stored yet. They are kept until a kernel or the store's file has taken
//! them, so that a full disk or a dying kernel loses nothing as long as the notebook lives.

use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct UnsavedProgress(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    value: Value,
    /// The number of the request that carries the value, until its reply comes.
    request: Option<u64>,
}

impl UnsavedProgress {
    /// Sets the value of a key. It replaces one that was not stored yet.
    pub fn insert(&mut self, key: String, value: Value) {
        self.0.insert(key, Entry { value, request: None });
    }

    /// The values that no request carries.
    pub fn unsent(&self) -> BTreeMap<String, Value> {
        let unsent = self.0.iter().filter(|(_, entry)| entry.request.is_none());
        unsent.map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
    }

    /// Records that this request carries the key's value.
    pub fn mark_sent(&mut self, key: &str, request: u64) {
        if let Some(entry) = self.0.get_mut(key) {
            entry.request = Some(request);
        }
    }

    /// Removes the value that this request carried, as the kernel has stored it. Returns whether there was one; a value
    /// that was replaced since is not removed.
    pub fn confirm(&mut self, request: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|_, entry| entry.request != Some(request));
        self.0.len() < before
    }

    /// Makes the value that this request carried unsent again, as the kernel could not store it. Returns whether there
    /// was one.
    pub fn reject(&mut self, request: u64) -> bool {
        let carried = self.0.values_mut().find(|entry| entry.request == Some(request));
        carried.map(|entry| entry.request = None).is_some()
    }

    /// Makes every value unsent again, as the connection has ended.
    pub fn reset_sent(&mut self) {
        self.0.values_mut().for_each(|entry| entry.request = None);
    }

    /// Removes the values that were written to the store's file. A value that was replaced since stays.
    pub fn remove_saved(&mut self, values: &BTreeMap<String, Value>) {
        self.0.retain(|key, entry| values.get(key) != Some(&entry.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(unsaved: &UnsavedProgress) -> Vec<String> {
        unsaved.unsent().into_keys().collect()
    }

    #[test]
    fn a_value_is_kept_until_it_is_stored() {
        let mut unsaved = UnsavedProgress::default();
        unsaved.insert("a".into(), json!(1));
        unsaved.insert("b".into(), json!(1));
        unsaved.mark_sent("a", 7);
        assert_eq!(keys(&unsaved), ["b"]);
        assert!(unsaved.reject(7) && !unsaved.reject(8));
        assert_eq!(keys(&unsaved), ["a", "b"], "the disk was full: it is sent again");
        unsaved.mark_sent("a", 9);
        unsaved.mark_sent("b", 10);
        assert!(unsaved.confirm(9) && !unsaved.confirm(9));
        unsaved.reset_sent();
        assert_eq!(keys(&unsaved), ["b"], "the kernel died before it answered");
    }

    #[test]
    fn a_newer_value_is_not_mistaken_for_the_stored_one() {
        let mut unsaved = UnsavedProgress::default();
        unsaved.insert("a".into(), json!(1));
        unsaved.mark_sent("a", 7);
        unsaved.insert("a".into(), json!(2));
        assert!(!unsaved.confirm(7));
        let written = unsaved.unsent();
        unsaved.insert("a".into(), json!(3));
        unsaved.remove_saved(&written);
        assert_eq!(unsaved.unsent()["a"], json!(3));
    }
}
