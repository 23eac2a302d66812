//! Fire drills: `RELU_DRILL` names a thread of the notebook that panics as it starts, `main` after its first frame. So a
//! test, and anyone who doubts it, can see that the terminal is given back and the report kept.

/// Panics if a drill of this thread is asked for.
pub fn panic_if_asked(thread: &str) {
    assert!(
        std::env::var_os("RELU_DRILL").is_none_or(|name| name != thread),
        "this is a drill: RELU_DRILL asks the {thread} thread to panic"
    );
}
