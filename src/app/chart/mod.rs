//! What every renderer draws: a plot and a viewport. The terminal's is `ui::chart`, those of SVG and PNG are in `cli`.

mod axis;
mod cursor;
mod palette;
mod prediction_marks;
mod readout;
mod training_plot;
mod viewport;

pub use axis::{AxisRange, AxisRanges, axis_label, clip_segment, tick_labels};
pub(crate) use cursor::ChartId;
pub use cursor::{Pane, cut};
pub use palette::{ARM_COLOURS, Rgb, SeriesColour, arm_colour, cited_colour, has_markers, seed_colour, series_colour};
pub use prediction_marks::{OwnMark, add_predictions};
pub use readout::{Readout, ReadoutCurve, ReadoutPoint};
pub use training_plot::{References, article_references, mark_values, race_plot, race_readout};
pub use viewport::{AxisView, PlotCursor, ThinSeries, Viewport};
