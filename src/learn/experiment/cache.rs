//! What experiments have trained, kept by the kernel so that steering a cell is answered at once.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// The number of entries, enough for the cells of a lesson. The least recently used one is dropped first.
const CAPACITY: usize = 8;

type Value = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub struct Cache {
    /// The most recently used one at the end.
    entries: Mutex<Vec<(String, Value)>>,
}

impl Cache {
    /// The value of a key; also `None` if it has another type.
    pub(super) fn get<T: Send + 'static>(&self, key: &str) -> Option<Arc<Mutex<T>>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|(known, _)| known == key)?;
        let entry = entries.remove(at);
        let found = Arc::clone(&entry.1);
        entries.push(entry);
        found.downcast().ok()
    }

    pub(super) fn put<T: Send + 'static>(&self, key: &str, value: Arc<Mutex<T>>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(known, _)| known != key);
        if entries.len() == CAPACITY {
            entries.remove(0);
        }
        entries.push((key.to_owned(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entry_is_dropped_first() {
        let cache = Cache::default();
        for number in 0..CAPACITY {
            cache.put(&number.to_string(), Arc::new(Mutex::new(number)));
        }
        assert_eq!(*cache.get::<usize>("0").unwrap().lock().unwrap(), 0);
        cache.put("new", Arc::new(Mutex::new(8_usize)));
        assert!(cache.get::<usize>("1").is_none());
        assert!(cache.get::<usize>("0").is_some() && cache.get::<usize>("new").is_some());
        assert!(cache.get::<String>("new").is_none());
    }
}
