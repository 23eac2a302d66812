//! What every renderer draws: a plot and a viewport. The renderer of the terminal is `ui::chart`; those of SVG and PNG
//! are in `cli`.

mod axis;
mod cursor;
mod palette;
mod prediction_marks;
mod readout;
#[cfg(test)]
mod test_plot;
mod training_plot;
mod viewport;

pub use axis::{AxisRange, AxisRanges, axis_label, clip_segment, tick_labels};
pub use palette::{ARM_COLOURS, Rgb, SeriesColour, arm_colour, cited_colour, has_markers, seed_colour, series_colour};
pub use prediction_marks::{PredictionMark, add_predictions};
pub use readout::{Readout, ReadoutCurve, ReadoutPoint};
pub use training_plot::{AxisReach, PublishedPoints, article_points, mark_values, training_plot, training_readout};
pub(crate) use viewport::ChartId;
pub use viewport::{AxisView, Pane, PlotCursor, ThinSeries, Viewport};
