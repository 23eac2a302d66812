//! What every renderer draws: a plot and a viewport. The renderer of the terminal is `ui::chart`; those of SVG and PNG
//! are in `cli`.

mod axis;
mod options;
mod palette;
mod panes;
mod prediction_marks;
mod readout;
mod smoothing;
mod study_plot;
#[cfg(test)]
mod test_plot;
mod view;
mod viewport;

pub use axis::{AxisRange, AxisRanges, axis_label, clip_segment, tick_labels};
pub(crate) use options::next_of;
pub use options::{ChartOptions, Published, SeedBand, XQuantity, measured_layers, measured_metrics};
pub use palette::{ARM_COLOURS, Rgb, SeriesColour, arm_colour, cited_colour, has_markers, seed_colour, series_colour};
pub use panes::DrawnChart;
pub(crate) use panes::{ChartDrag, NOT_MEASURED};
pub use prediction_marks::{PredictionMark, add_predictions};
pub use readout::{OtherValue, PointSpread, Readout, ReadoutCurve, ReadoutPoint, ReadoutText};
pub use smoothing::Smoothing;
pub use study_plot::{
    AxisReach, ChartRun, PublishedPoints, RunRole, arm_slots, mark_values, published_beside, study_multiples,
    study_plot, study_readout,
};
pub use view::{Arrangement, ChartView, ShownChart};
pub(crate) use viewport::ChartId;
pub use viewport::{Axis, AxisView, Pane, PlotCursor, ThinSeries, Viewport};
