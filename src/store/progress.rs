//! Stores the reader's progress while no kernel runs, because reading lessons must not start LibTorch.

use super::{
    Home, Store, StoreError,
    durability::log_damage,
    open::{Writer, open_writable},
};
use serde_json::Value;

/// Stores values of the reader's progress in one transaction. If a kernel has started meanwhile, this is safe: no run
/// depends on these rows, and SQLite makes one writer wait for the other.
///
/// # Errors
/// If the store can't be written. A damaged file is left for the kernel to rename aside.
pub fn save_progress<'a>(
    home: &Home,
    values: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Result<(), StoreError> {
    home.prepare()?;
    // SQLite would overwrite everything behind the damage.
    if let Some(damage) = log_damage(&home.database())? {
        return Err(StoreError::Damaged(damage.to_string()));
    }
    let connection = open_writable(home, Writer::Notebook)?;
    let mut store = Store::of(connection);
    store.remember_all(values)?;
    store.fold_log()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn progress_is_saved_beside_a_kernels_store() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        let mut kernel = Store::open(&home).unwrap();
        kernel.remember("last-lesson", &json!("welcome")).unwrap();
        let values = [("last-lesson".to_string(), json!("faster")), ("place/faster".to_string(), json!({ "top": 9 }))];
        save_progress(&home, values.iter().map(|(key, value)| (key, value))).unwrap();
        assert_eq!(kernel.recall("last-lesson").unwrap(), Some(json!("faster")));
        assert_eq!(Store::open_read(&home).unwrap().recall("place/faster").unwrap(), Some(json!({ "top": 9 })));
    }
}
