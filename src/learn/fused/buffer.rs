//! Floats aligned to a cache line, so that no vector straddles two lines (which halves the speed of loads).

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Grows and never shrinks: after the first batch nothing is allocated any more.
#[derive(Default)]
pub struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; 16]); len.div_ceil(16)] }
    }

    /// The first `len` floats. New ones are zero, earlier ones keep their values.
    pub fn floats(&mut self, len: usize) -> &mut [f32] {
        let lines = len.div_ceil(16);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0.0; 16]));
        }
        // SAFETY: a `Line` is sixteen floats without padding, and there are at least `len / 16` of them, rounded up,
        // all initialised. The slice borrows `self`, so nothing else accesses them meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) }
    }
}
