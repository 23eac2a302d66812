//! Sizes of a block, and the layout of its numbers.

/// Side of the convolution's kernel, as LeNet has it.
pub const KERNEL: usize = 5;
/// Weights from one input channel to one output channel.
pub const TAPS: usize = KERNEL * KERNEL;
/// Pooled windows, along one side, that reach an input pixel's 2x2 neighbourhood, as their 6x6 fields overlap.
pub(super) const REACH: usize = KERNEL.div_ceil(2);

/// A block: 5x5 convolution without padding, then 2x2 maximum. Rows and columns that do not fill a window are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub inputs: usize,
    pub outputs: usize,
    /// Side of an input channel; at least 6, so that there is a window.
    pub height: usize,
    pub width: usize,
}

impl Shape {
    pub fn pooled_height(&self) -> usize {
        (self.height + 1 - KERNEL) / 2
    }

    pub fn pooled_width(&self) -> usize {
        (self.width + 1 - KERNEL) / 2
    }

    /// Pixels of an input channel.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Pixels of an output channel.
    pub fn pooled(&self) -> usize {
        self.pooled_height() * self.pooled_width()
    }

    /// Numbers per image in the input.
    pub fn input_len(&self) -> usize {
        self.inputs * self.pixels()
    }

    /// Numbers per image in the output.
    pub fn output_len(&self) -> usize {
        self.outputs * self.pooled()
    }

    /// Weights, in LibTorch's order `[output][input][5][5]`.
    pub fn weights(&self) -> usize {
        self.outputs * self.inputs * TAPS
    }

    /// Multiply-adds of one image's convolution by its definition, counted only for windows that are pooled.
    pub fn multiply_adds(&self) -> usize {
        4 * self.pooled() * self.weights()
    }

    /// Whether there is at least one window.
    pub fn fits(&self) -> bool {
        self.inputs > 0 && self.outputs > 0 && self.height > KERNEL && self.width > KERNEL
    }
}

/// How images are ordered in a block's output (and in its gradient).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `[group][channel][y][x][lane]`: close together for the next block, which always reads this order.
    Grouped,
    /// `[channel][y][x][group][lane]`: a plain matrix (features, images), which a fully connected layer multiplies
    /// directly.
    Flat,
}

/// Distances in an ordered buffer, in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strides {
    pub pixel: usize,
    pub group: usize,
}

impl Order {
    pub(super) fn strides(self, len: usize, groups: usize, lanes: usize) -> Strides {
        match self {
            Self::Grouped => Strides { pixel: lanes, group: len * lanes },
            Self::Flat => Strides { pixel: groups * lanes, group: lanes },
        }
    }
}

/// Which of a window's four sums was the greatest, for every lane: bit `i` for lane `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Winner {
    /// It is in the lower row.
    pub row: u16,
    /// It is in the right column.
    pub column: u16,
}
