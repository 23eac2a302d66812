//! Removes numbers that are not finite from an outcome before it is stored or sent, as JSON can't represent them.

use super::{Bar, Figure, Finding, Outcome, Plot, PlotSeries, Table};

/// The number if it is finite. The largest double counts as not finite, because earlier versions wrote it for an
/// infinite loss.
fn number(value: f64) -> Option<f64> {
    (value.is_finite() && value.abs() < f64::MAX).then_some(value)
}

/// Whether a text contains such a number: `NaN`, `inf`, or the hundreds of digits of the largest double.
fn contains_non_finite(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| {
        matches!(word, "NaN" | "inf") || (word.len() >= 40 && word.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

impl Outcome {
    /// Makes every number that is not finite absent, and removes what is nothing without its number, such as a mark.
    /// Returns where there were any. An experiment that finds none itself says why a number is absent.
    pub fn remove_non_finite(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        if number(self.seconds).is_none() {
            found.push("the time of the measurement".into());
            self.seconds = 0.0;
        }
        for figure in &mut self.figures {
            let is_clean = match figure {
                Figure::Plot(plot) => clean_plot(plot),
                Figure::Table(table) => clean_table(table),
                Figure::Bars(bars) => all(&mut bars.bars, clean_bar),
                Figure::Regions(regions) => {
                    let before = regions.marks.len();
                    regions.marks.retain(|mark| mark.at.into_iter().all(|v| number(v).is_some()));
                    regions.marks.len() == before
                }
                Figure::Images(_) | Figure::Units(_) => true,
            };
            if !is_clean {
                found.push(format!("the figure \"{}\"", figure.title()));
            }
        }
        for finding in &mut self.findings {
            if !clean_finding(finding) {
                found.push(format!("the finding {}", finding.key));
            }
        }
        found
    }
}

/// Cleans every item. Returns whether all were clean.
fn all<T>(items: &mut [T], clean: impl Fn(&mut T) -> bool) -> bool {
    items.iter_mut().filter_map(|item| (!clean(item)).then_some(())).count() == 0
}

fn clean(value: &mut Option<f64>) -> bool {
    let finite = value.and_then(number);
    let is_clean = finite.is_some() == value.is_some();
    *value = finite;
    is_clean
}

fn clean_plot(plot: &mut Plot) -> bool {
    let mut is_clean = true;
    for axis in [&mut plot.x, &mut plot.y] {
        if axis.limits.is_some_and(|(low, high)| number(low).is_none() || number(high).is_none()) {
            (axis.limits, is_clean) = (None, false);
        }
    }
    let (bands, marks, places) = (plot.bands.len(), plot.marks.len(), plot.places.len());
    plot.places.retain(|place| number(place.x).is_some());
    plot.bands.retain(|band| number(band.from).is_some() && number(band.to).is_some());
    plot.marks.retain(|mark| mark.at.into_iter().all(|v| number(v).is_some()));
    is_clean &= plot.bands.len() == bands && plot.marks.len() == marks && plot.places.len() == places;
    all(&mut plot.series, clean_series) && is_clean
}

fn clean_series(series: &mut PlotSeries) -> bool {
    let kept: Vec<bool> = series.points.iter().map(|(x, _)| number(*x).is_some()).collect();
    let keep_all = kept.iter().all(|kept| *kept);
    if !keep_all {
        let mut at = kept.iter();
        series.points.retain(|_| at.next().copied().unwrap_or(false));
        for widths in [&mut series.spread, &mut series.below] {
            let mut at = kept.iter();
            widths.retain(|_| at.next().copied().unwrap_or(false));
        }
    }
    let points = all(&mut series.points, |(_, y)| clean(y));
    let has_widths = all(&mut series.spread, clean) & all(&mut series.below, clean);
    has_widths && points && keep_all
}

fn clean_table(table: &mut Table) -> bool {
    let cells = table.rows.iter_mut().flatten().filter(|cell| contains_non_finite(cell));
    cells.map(|cell| *cell = "-".into()).count() == 0
}

fn clean_bar(bar: &mut Bar) -> bool {
    let total = clean(&mut bar.total);
    all(&mut bar.values, clean) && total
}

fn clean_finding(finding: &mut Finding) -> bool {
    let value = clean(&mut finding.value);
    let spread = clean(&mut finding.spread);
    let text = !contains_non_finite(&finding.text);
    if !text {
        finding.text = format!("{}: no finite number", finding.key);
    }
    value && spread && text
}

#[cfg(test)]
mod tests {
    use super::super::{AxisScale, Bars, PlotAxis, PlotBand, PlotMark, Source, SpreadKind, Stroke};
    use super::*;

    #[test]
    fn nothing_that_is_not_finite_is_left() {
        let nan = f64::NAN;
        let axis = |limits| PlotAxis { label: "x".into(), scale: AxisScale::Linear, limits };
        let series = PlotSeries {
            name: "s".into(),
            source: Source::Measured,
            stroke: Stroke::Line,
            points: vec![(nan, Some(1.0)), (1.0, Some(nan)), (2.0, Some(2.0))],
            spread: vec![Some(1.0), Some(2.0), Some(f64::INFINITY)],
            below: Vec::new(),
        };
        let mark = |at| PlotMark { label: "m".into(), source: Source::Measured, at };
        let band = PlotBand { label: "b".into(), source: Source::Measured, vertical: true, from: nan, to: 1.0 };
        let plot = Plot {
            title: "p".into(),
            x: axis(Some((0.0, nan))),
            y: axis(Some((0.0, 1.0))),
            series: vec![series],
            bands: vec![band],
            marks: vec![mark([0.0, nan]), mark([0.0, 1.0])],
            places: Vec::new(),
            spread: SpreadKind::Deviation,
            notes: Vec::new(),
        };
        let row = ["ReLU", "NaN", "inf +- NaN", "Infinite nanometres", "-1.5"].map(String::from).to_vec();
        let table =
            Table { title: "t".into(), columns: Vec::new(), rows: vec![row], sources: Vec::new(), places: Vec::new() };
        let bar = Bar { name: "b".into(), values: vec![Some(nan), Some(1.0)], total: Some(nan) };
        let bars = Bars { title: "c".into(), parts: Vec::new(), bars: vec![bar], source: Source::Measured };
        let finding = |value: f64, text: &str| Finding {
            key: "a.b".into(),
            text: text.into(),
            value: Some(value),
            spread: Some(nan),
            seeds: vec![1],
            tabled: false,
            is_bound: false,
        };
        let findings = vec![finding(nan, "it is NaN"), finding(f64::MAX, &format!("it is {}", f64::MAX))];
        let figures = vec![Figure::Plot(plot), Figure::Table(table), Figure::Bars(bars)];
        let mut outcome = Outcome { figures, findings, seconds: nan };
        assert_eq!(outcome.remove_non_finite().len(), 6, "the time, three figures, two findings");
        let [Figure::Plot(plot), Figure::Table(table), Figure::Bars(bars)] = &outcome.figures[..] else { panic!() };
        assert_eq!((plot.x.limits, plot.y.limits), (None, Some((0.0, 1.0))));
        assert_eq!((plot.bands.len(), plot.marks.len()), (0, 1));
        assert_eq!(plot.series[0].points, [(1.0, None), (2.0, Some(2.0))]);
        assert_eq!(plot.series[0].spread, [Some(2.0), None]);
        assert_eq!(table.rows[0], ["ReLU", "-", "-", "Infinite nanometres", "-1.5"]);
        assert_eq!((&bars.bars[0].values[..], bars.bars[0].total), (&[None, Some(1.0)][..], None));
        for finding in &outcome.findings {
            let shown = (finding.text.as_str(), finding.value, finding.spread);
            assert_eq!(shown, ("a.b: no finite number", None, None));
        }
        let json = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome, "it travels unchanged");
        assert!(outcome.remove_non_finite().is_empty());
    }
}
