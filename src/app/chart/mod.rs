//! What every renderer draws: a plot and a viewport. The terminal's is `ui::chart`, those of SVG and PNG are in `cli`.

mod axis;
mod palette;
mod predicted;
mod race;
mod readout;
mod values;
mod viewport;

pub use axis::{AxisRange, AxisRanges, axis_label, clip_segment, tick_labels};
pub use palette::{ARM_COLOURS, Rgb, SeriesColour, arm_colour, cited_colour, has_markers, seed_colour, series_colour};
pub use predicted::{OwnMark, add_predictions};
pub use race::{References, article_references, mark_values, race_plot, race_readout};
pub use readout::{Readout, ReadoutCurve, ReadoutPoint};
pub(crate) use values::ChartId;
pub use values::{Pane, cut};
pub use viewport::{AxisView, PlotCursor, ThinSeries, Viewport};
