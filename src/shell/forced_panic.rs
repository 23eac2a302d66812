//! Panics on request, to test the recovery: `RELU_DRILL` names a thread of the notebook that panics as it starts; `main`
//! panics after its first frame. A test, or anyone who doubts it, can see that the terminal is restored and the report
//! is saved.

/// Panics if `RELU_DRILL` names this thread.
pub fn panic_if_requested(thread: &str) {
    assert!(
        std::env::var_os("RELU_DRILL").is_none_or(|name| name != thread),
        "this is a drill: RELU_DRILL asks the {thread} thread to panic"
    );
}
