//! Krizhevsky's Figure 1: the number of epochs to 25 % training error on CIFAR-10, ReLU against tanh.

use super::bench::Bench;
use super::{ExperimentError, reference, summary};
use protocol::{AlexnetFigure, Figure, Outcome, PlotMark, Stroke};

pub fn run(settings: &AlexnetFigure, _: &mut Bench) -> Result<Outcome, ExperimentError> {
    let target = settings.target;
    let mut series = Vec::new();
    let mut epochs = Vec::new();
    for (name, title) in [("relu", "ReLU"), ("tanh", "Tanh")] {
        let points = reference::alexnet(name);
        // The figure's resolution is 0.2 %.
        epochs.extend(points.iter().find(|point| point[1] <= target + 0.2).copied());
        series.push(summary::curve(title, reference::krizhevsky(), Stroke::Both, points));
    }
    let (x, y) = (summary::axis("epoch"), summary::axis("training error, %"));
    let mut plot = summary::plot("CIFAR-10, a four-layer convolutional network", x, y, series);
    let mut findings = Vec::new();
    if let [relu, tanh] = epochs[..] {
        for (name, title, at) in [("relu", "ReLU", relu), ("tanh", "Tanh", tanh)] {
            let label = format!("{title}: epoch {}", at[0]);
            plot.marks.push(PlotMark { label, source: reference::krizhevsky(), at });
            let text = format!("in the published curves {title} reaches {target} % training error at epoch {}", at[0]);
            findings.push(summary::exact(format!("alexnet.epochs.{name}"), at[0], text));
        }
        let ratio = tanh[0] / relu[0];
        findings.push(summary::exact(
            "alexnet.ratio",
            ratio,
            format!("in the published curves tanh needs {ratio:.1} times the epochs"),
        ));
    }
    Ok(Outcome { figures: vec![Figure::Plot(plot)], findings, seconds: 0.0 })
}
