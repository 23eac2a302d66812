//! Where the kernel keeps what experiments have trained, so that a cell that is steered answers at once.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// As many as the cells of a lesson need; the one that was not asked for the longest goes first.
const PLACES: usize = 8;

type Kept = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub struct Cabinet {
    /// The last asked for at the end.
    kept: Mutex<Vec<(String, Kept)>>,
}

impl Cabinet {
    /// `None` too if something of another type lies under the key.
    pub(super) fn get<T: Send + 'static>(&self, key: &str) -> Option<Arc<Mutex<T>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == key)?;
        let entry = kept.remove(at);
        let found = Arc::clone(&entry.1);
        kept.push(entry);
        found.downcast().ok()
    }

    pub(super) fn put<T: Send + 'static>(&self, key: &str, value: Arc<Mutex<T>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != key);
        if kept.len() == PLACES {
            kept.remove(0);
        }
        kept.push((key.to_owned(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_the_longest_goes_first() {
        let cabinet = Cabinet::default();
        for number in 0..PLACES {
            cabinet.put(&number.to_string(), Arc::new(Mutex::new(number)));
        }
        assert_eq!(*cabinet.get::<usize>("0").unwrap().lock().unwrap(), 0);
        cabinet.put("new", Arc::new(Mutex::new(8_usize)));
        assert!(cabinet.get::<usize>("1").is_none());
        assert!(cabinet.get::<usize>("0").is_some() && cabinet.get::<usize>("new").is_some());
        assert!(cabinet.get::<String>("new").is_none());
    }
}
