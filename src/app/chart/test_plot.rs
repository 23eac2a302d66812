//! Empty plots and series for the tests of this folder.

use protocol::{AxisScale, Plot, PlotAxis, PlotSeries, Source, Stroke};

pub fn series(source: Source, stroke: Stroke, points: &[(f64, Option<f64>)]) -> PlotSeries {
    PlotSeries { name: String::new(), source, stroke, points: points.to_vec(), spread: Vec::new(), below: Vec::new() }
}

/// A plot of these series, with both axes of one scale and without limits.
pub fn plot(scale: AxisScale, series: Vec<PlotSeries>) -> Plot {
    let axis = || PlotAxis { label: String::new(), scale, limits: None };
    Plot {
        title: String::new(),
        x: axis(),
        y: axis(),
        series,
        bands: Vec::new(),
        marks: Vec::new(),
        places: Vec::new(),
        spread: protocol::SpreadKind::Deviation,
        notes: Vec::new(),
    }
}
