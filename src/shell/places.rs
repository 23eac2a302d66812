//! What the reader left behind on its way into the store: held here until a kernel or the file has taken it, so that a
//! full disk or a dying kernel costs nothing as long as the notebook lives.

use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Places(BTreeMap<String, Place>);

#[derive(Debug)]
struct Place {
    value: Value,
    /// The number of the request that carries it, until its reply.
    sent: Option<u64>,
}

impl Places {
    /// The newest value under a key replaces one that was not taken yet.
    pub fn put(&mut self, key: String, value: Value) {
        self.0.insert(key, Place { value, sent: None });
    }

    /// Those that are not on their way.
    pub fn waiting(&self) -> BTreeMap<String, Value> {
        let waiting = self.0.iter().filter(|(_, place)| place.sent.is_none());
        waiting.map(|(key, place)| (key.clone(), place.value.clone())).collect()
    }

    pub fn sent(&mut self, key: &str, request: u64) {
        if let Some(place) = self.0.get_mut(key) {
            place.sent = Some(request);
        }
    }

    /// Whether this request carried one that was still the newest.
    pub fn taken(&mut self, request: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|_, place| place.sent != Some(request));
        self.0.len() < before
    }

    /// The kernel could not store it; whether this request carried one.
    pub fn refused(&mut self, request: u64) -> bool {
        let carried = self.0.values_mut().find(|place| place.sent == Some(request));
        carried.map(|place| place.sent = None).is_some()
    }

    /// The connection is gone; what it did not answer waits again.
    pub fn come_back(&mut self) {
        self.0.values_mut().for_each(|place| place.sent = None);
    }

    /// The file has taken these; a value put since then stays.
    pub fn kept(&mut self, values: &BTreeMap<String, Value>) {
        self.0.retain(|key, place| values.get(key) != Some(&place.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(places: &Places) -> Vec<String> {
        places.waiting().into_keys().collect()
    }

    #[test]
    fn a_place_waits_until_it_is_taken() {
        let mut places = Places::default();
        places.put("a".into(), json!(1));
        places.put("b".into(), json!(1));
        places.sent("a", 7);
        assert_eq!(keys(&places), ["b"]);
        assert!(places.refused(7) && !places.refused(8));
        assert_eq!(keys(&places), ["a", "b"], "a full disk: it waits again");
        places.sent("a", 9);
        places.sent("b", 10);
        assert!(places.taken(9) && !places.taken(9));
        places.come_back();
        assert_eq!(keys(&places), ["b"], "the kernel died before it answered");
    }

    #[test]
    fn a_newer_value_is_not_taken_for_the_old_one() {
        let mut places = Places::default();
        places.put("a".into(), json!(1));
        places.sent("a", 7);
        places.put("a".into(), json!(2));
        assert!(!places.taken(7));
        let written = places.waiting();
        places.put("a".into(), json!(3));
        places.kept(&written);
        assert_eq!(places.waiting()["a"], json!(3));
    }
}
