//! The shipped lessons have no faults.

use relu_notebook::lesson::{Library, check};

#[test]
fn the_shipped_lessons_are_sound() {
    let faults = check(Library::sources(), &[]);
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
