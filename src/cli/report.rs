//! `relu report`: one page about runs, which needs nothing beside it: settings, charts, tables and what can be said of the
//! differences.

use super::chart;
use super::compare::{MeasuredRun, compare_arms};
use super::export::write_file;
use super::html::Html;
use super::runs::remarks;
use super::sweep::SweepReport;
use super::{Outcome, Usage, complain};
use app::{
    AxisReach, Background, ChartOptions, ChartRun, TrainingRun, Viewport, arm_slots, finding_text, measured_layers,
    measured_metrics, published_beside, study_plot,
};
use clap::Args;
use lesson::Library;
use protocol::{
    ArmId, Lane, MILESTONE, Metric, RunId, RunState, SETTINGS, Study, differing_settings, format_clock, format_count,
    format_date, format_tags, run_findings,
};
use statistics::{ArmCurves, AtEpoch, LaneCurve, Quantity, Summary, Threshold};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use store::{Home, Store};

#[derive(Args)]
pub struct ReportArguments {
    /// Their numbers in `relu runs`
    #[arg(required = true)]
    runs: Vec<RunId>,
    /// Where to, such as report.html; otherwise stdout
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// Pixels of a chart, if its text has its usual size.
const CHART: (u32, u32) = (760, 480);

/// Every two arms of so many or fewer are compared; of more each with the first.
const COMPARED_IN_PAIRS: usize = 5;

const STYLE: &str = include_str!("report.css");

pub fn report(arguments: &ReportArguments) -> Outcome {
    let home = Home::locate()?;
    let numbers = &arguments.runs;
    if let Some(twice) = numbers.iter().enumerate().find_map(|(at, run)| numbers[..at].contains(run).then_some(run)) {
        return Err(Usage(format!("run {twice} is named twice; name each run once")).into());
    }
    let runs: Vec<ReportRun> = numbers.iter().map(|run| ReportRun::load(&home, *run)).collect::<Result<_, _>>()?;
    for run in runs.iter().filter(|run| run.measured.records.is_empty()) {
        complain(&format!("run {} has not measured an epoch yet; the report says so", run.number()));
    }
    let made = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let page = page(&runs, made)?;
    write_file(&home, arguments.output.as_deref(), page.as_bytes(), arguments.force)?;
    Ok(ExitCode::SUCCESS)
}

/// A run with everything that the page says of it.
struct ReportRun {
    measured: MeasuredRun,
    training: TrainingRun,
    sweep: Option<SweepReport>,
    steerings: Vec<String>,
}

impl ReportRun {
    fn load(home: &Home, run: RunId) -> color_eyre::Result<Self> {
        let measured = MeasuredRun::load(home, run)?;
        let (store, summary): (&Store, _) = (&measured.store, &measured.summary);
        let mut training = TrainingRun::new(run, summary.spec.clone());
        for event in store.history(run)? {
            training.apply(&event);
        }
        let sweep = SweepReport::of(store, summary)?;
        let steerings = store.steerings(run)?.iter().map(|steering| steering.sentence(&summary.spec)).collect();
        Ok(Self { measured, training, sweep, steerings })
    }

    fn number(&self) -> RunId {
        self.measured.summary.run
    }

    fn study(&self) -> &Study {
        &self.measured.summary.spec
    }

    fn is_finished(&self) -> bool {
        self.measured.summary.state == RunState::Finished
    }

    /// `Run 5: warm-up`.
    fn title(&self) -> String {
        let name = self.measured.summary.name.as_ref().map_or(String::new(), |name| format!(": {name}"));
        format!("Run {}{name}", self.number())
    }
}

/// An arm of one of the runs.
struct ReportArm<'a> {
    run: &'a ReportRun,
    arm: ArmId,
    /// With its run where there are several.
    title: String,
    /// Its place among the arms of the charts, by which it has its colour.
    slot: usize,
}

impl ReportArm<'_> {
    fn curves(&self, quantity: Quantity) -> ArmCurves {
        let MeasuredRun { summary, records, diverged, .. } = &self.run.measured;
        ArmCurves::of(summary.run, &summary.spec, self.arm, quantity, records, diverged)
    }
}

fn arms<'a>(runs: &'a [ReportRun], chart_runs: &[ChartRun]) -> Vec<ReportArm<'a>> {
    let of_run = |run: &'a ReportRun| {
        let slots = arm_slots(chart_runs, run.number());
        slots.into_iter().map(move |(arm, slot)| {
            let title = run.study().arm_title(arm);
            let title = if runs.len() > 1 { format!("{title} (run {})", run.number()) } else { title };
            ReportArm { run, arm, title, slot }
        })
    };
    runs.iter().flat_map(of_run).collect()
}

fn page(runs: &[ReportRun], made: i64) -> color_eyre::Result<String> {
    let chart_runs: Vec<ChartRun> = runs.iter().map(|run| ChartRun::new(&run.training)).collect();
    let arms = arms(runs, &chart_runs);
    let charts = Charts::draw(&chart_runs)?;
    let sentences = sentences(&arms)?;
    let title = title(runs);
    let mut html = Html::document();
    html.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |html| {
            html.void("meta", &[("charset", "utf-8")]);
            html.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            // The page is whole: a browser has nothing to load for it, and loads nothing.
            let policy = "default-src 'none'; style-src 'unsafe-inline'";
            html.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", policy)]);
            html.leaf("title", &title);
            html.element("style", &[], |html| html.markup(&style()));
        });
        html.element("body", &[], |html| {
            html.leaf("h1", &title);
            let (version, date) = (env!("CARGO_PKG_VERSION"), format_time(made));
            let made = format!("Made by relu-notebook {version} on {date}.");
            html.element("p", &[("class", "made")], |html| html.text(&made));
            write_settings(html, &arms);
            write_sentences(html, &sentences);
            write_arms(html, &arms);
            charts.write(html);
            for run in runs {
                write_run(html, run);
            }
        });
    });
    Ok(html.into_string())
}

/// `Run 5: warm-up`, `Runs 5, 6 and 9`.
fn title(runs: &[ReportRun]) -> String {
    let numbers: Vec<String> = runs.iter().map(|run| run.number().to_string()).collect();
    match (runs, numbers.split_last()) {
        ([only], _) => only.title(),
        (_, Some((last, others))) => format!("Runs {} and {last}", others.join(", ")),
        (_, None) => String::new(),
    }
}

/// `2026-11-26 09:05 UTC`.
fn format_time(seconds: i64) -> String {
    let minutes = seconds.rem_euclid(86_400) / 60;
    format!("{} {:02}:{:02} UTC", format_date(seconds), minutes / 60, minutes % 60)
}

/// The page's style sheet. Its colours are those of the charts; paper is light.
fn style() -> String {
    let [light, dark] = [Background::Light, Background::Dark].map(chart::colour_variables);
    format!(
        "\n:root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n\
         @media print {{ :root {{ {light} }} }}\n{STYLE}"
    )
}

/// The settings in which the arms differ, an arm a row.
fn write_settings(html: &mut Html, arms: &[ReportArm]) {
    html.element("section", &[("id", "settings")], |html| {
        html.leaf("h2", "Settings that differ");
        let rows = differing_rows(arms);
        if rows.is_empty() {
            let all = if arms.len() == 1 { "There is one arm." } else { "All arms have the same settings." };
            html.leaf("p", all);
            return;
        }
        let columns: Vec<&str> = std::iter::once("arm").chain(rows.iter().map(|(title, _)| *title)).collect();
        let cells = |at: usize| rows.iter().map(|(_, values)| values[at].clone()).collect();
        write_table(html, "words", &columns, arms.iter().enumerate().map(|(at, arm)| (arm, cells(at))));
    });
}

/// The title of each setting in which an arm differs from the first, with the value of every arm.
fn differing_rows(arms: &[ReportArm]) -> Vec<(&'static str, Vec<String>)> {
    let Some((first, others)) = arms.split_first() else { return Vec::new() };
    let mut rows: Vec<(&'static str, &'static str, Vec<String>)> = Vec::new();
    for (at, arm) in others.iter().enumerate() {
        for setting in differing_settings([first, arm].map(|arm| (arm.run.study(), arm.arm))) {
            let [usual, value] = setting.values;
            let known = rows.iter().position(|(key, ..)| *key == setting.key).unwrap_or_else(|| {
                rows.push((setting.key, setting.title, vec![usual; arms.len()]));
                rows.len() - 1
            });
            rows[known].2[at + 1] = value;
        }
    }
    // Activations first, then as the settings are listed everywhere.
    rows.sort_by_key(|(key, ..)| SETTINGS.iter().position(|setting| setting.key == *key));
    rows.into_iter().map(|(_, title, values)| (title, values)).collect()
}

/// A table with an arm a row.
fn write_table<'a>(
    html: &mut Html,
    class: &str,
    columns: &[&str],
    rows: impl Iterator<Item = (&'a ReportArm<'a>, Vec<String>)>,
) {
    html.element("div", &[("class", "wide")], |html| {
        html.element("table", &[("class", class)], |html| {
            html.element("thead", &[], |html| {
                html.element("tr", &[], |html| columns.iter().for_each(|column| html.leaf("th", column)));
            });
            html.element("tbody", &[], |html| {
                for (arm, cells) in rows {
                    html.element("tr", &[], |html| {
                        html.element("td", &[], |html| {
                            let colour = format!("background: var({})", chart::arm_variable(arm.slot));
                            html.element("span", &[("class", "swatch"), ("style", colour.as_str())], |_| {});
                            html.text(&arm.title);
                        });
                        for cell in &cells {
                            html.leaf("td", cell);
                        }
                    });
                }
            });
        });
    });
}

/// What can be said of every two arms, as `relu compare` says it.
struct Sentences {
    sentences: Vec<String>,
    remark: Option<String>,
}

fn sentences(arms: &[ReportArm]) -> color_eyre::Result<Sentences> {
    let measured: Vec<&ReportArm> = arms
        .iter()
        .filter(|arm| arm.curves(Quantity::VAL_ERROR).lanes.iter().any(|lane| !lane.values.is_empty()))
        .collect();
    let mut sentences = Vec::new();
    for (at, first) in measured.iter().enumerate() {
        if at > 0 && measured.len() > COMPARED_IN_PAIRS {
            break;
        }
        for second in &measured[at + 1..] {
            let sides = [first, second].map(|arm| (&arm.run.measured, arm.arm));
            let threshold =
                Threshold::new(Quantity::VAL_ERROR, MILESTONE).filter(|_| has_milestone(&[*first, *second]));
            let comparison = compare_arms(sides, Quantity::VAL_ERROR, AtEpoch::LastCommon, threshold)?;
            let to_threshold = comparison.threshold_sentence();
            let mut said = vec![comparison.sentence()];
            said.extend(to_threshold);
            for (measured, arm) in sides {
                said.extend(measured.history(arm)?);
            }
            sentences.push(said.join(" "));
        }
    }
    let remark = (measured.len() > COMPARED_IN_PAIRS).then(|| {
        format!(
            "There are {} arms, so each is compared with the first; `relu compare` compares any two.",
            measured.len()
        )
    });
    Ok(Sentences { sentences, remark })
}

/// Whether the article's error can be held against these arms: it is of LeNet-4 on MNIST.
fn has_milestone(arms: &[&ReportArm]) -> bool {
    arms.iter().all(|arm| arm.run.study().has_published_error())
}

fn write_sentences(html: &mut Html, Sentences { sentences, remark }: &Sentences) {
    if sentences.is_empty() {
        return;
    }
    html.element("section", &[("id", "differences")], |html| {
        html.leaf("h2", "Do they differ?");
        html.element("ul", &[], |html| sentences.iter().for_each(|sentence| html.leaf("li", sentence)));
        if let Some(remark) = remark {
            html.leaf("p", remark);
        }
    });
}

/// Each arm at the last epoch that all its seeds have done.
fn write_arms(html: &mut Html, arms: &[ReportArm]) {
    html.element("section", &[("id", "arms")], |html| {
        html.leaf("h2", "Arms");
        let shows_milestone = arms.iter().any(|arm| has_milestone(&[arm]));
        let to_milestone = format!("epochs to {MILESTONE} %");
        let mut columns =
            vec!["arm", "seeds", "epoch", "validation error, %", "sd", "lowest of any seed, %", "test error, %", "sd"];
        columns.extend(shows_milestone.then_some(to_milestone.as_str()));
        let caption = "Means over the seeds at the last epoch that all of them have done, without those that diverged, \
                       and the standard deviation (sd) of a single seed. Best is the lowest validation error of any \
                       seed, with its epoch.";
        let rows = arms.iter().map(|arm| (arm, arm_cells(arm, shows_milestone)));
        write_table(html, "numbers", &columns, rows);
        html.element("p", &[("class", "note")], |html| html.text(caption));
    });
}

fn arm_cells(arm: &ReportArm, shows_milestone: bool) -> Vec<String> {
    let validation = arm.curves(Quantity::VAL_ERROR);
    let test = Quantity::new(Metric::TestError, None).ok().map(|quantity| arm.curves(quantity));
    let sound = |curves: &ArmCurves| -> Vec<LaneCurve> {
        curves.lanes.iter().filter(|lane| lane.diverged.is_none() && !lane.values.is_empty()).cloned().collect()
    };
    let lanes = sound(&validation);
    let epoch = lanes.iter().map(LaneCurve::last).min();
    let summary = |lanes: &[LaneCurve]| {
        let values: Vec<f64> = lanes.iter().filter_map(|lane| lane.at(epoch?)).collect();
        Summary::of(&values)
    };
    let mean = |summary: Option<Summary>| summary.map_or("–".into(), |of| format!("{:.2}", of.mean));
    let deviation = |summary: Option<Summary>| {
        summary.and_then(|of| of.deviation).map_or("–".into(), |deviation| format!("{deviation:.2}"))
    };
    let best = lanes.iter().flat_map(|lane| &lane.values).min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let of_validation = summary(&lanes);
    let of_test = test.and_then(|curves| summary(&sound(&curves)));
    let seeds = match validation.lanes.len() - lanes.len() {
        0 => lanes.len().to_string(),
        _ => format!("{} of {}", lanes.len(), validation.lanes.len()),
    };
    let mut cells = vec![
        seeds,
        epoch.map_or("–".into(), |epoch| epoch.to_string()),
        mean(of_validation),
        deviation(of_validation),
        best.map_or("–".into(), |(epoch, error)| format!("{error:.2} @{epoch}")),
        mean(of_test),
        deviation(of_test),
    ];
    if shows_milestone {
        cells.push(if has_milestone(&[arm]) { epochs_to_milestone(&lanes) } else { "–".into() });
    }
    cells
}

/// The mean over the seeds that came down to the article's error, and how many did where not all.
fn epochs_to_milestone(lanes: &[LaneCurve]) -> String {
    let Some(threshold) = Threshold::new(Quantity::VAL_ERROR, MILESTONE) else { return "–".into() };
    let epochs: Vec<f64> = lanes.iter().filter_map(|lane| threshold.first_epoch(lane)).map(f64::from).collect();
    let Some(summary) = Summary::of(&epochs) else {
        let last = lanes.iter().map(LaneCurve::last).max().unwrap_or(0);
        return format!("not in {last}");
    };
    let of = if epochs.len() < lanes.len() {
        format!(" ({} of {} seeds)", epochs.len(), lanes.len())
    } else {
        String::new()
    };
    if let [only] = epochs[..] { format!("{only:.0}{of}") } else { format!("{:.1}{of}", summary.mean) }
}

/// The charts of all runs together, one a metric.
#[derive(Default)]
struct Charts {
    /// Of the whole network: title and picture. The validation error comes first, then the training loss.
    whole: Vec<(String, String)>,
    /// Of single layers.
    layers: Vec<(String, String)>,
}

impl Charts {
    fn draw(runs: &[ChartRun]) -> color_eyre::Result<Self> {
        let trainings = || runs.iter().map(|run| run.training);
        let library = Library::english();
        let Some(first) = runs.first() else { return Ok(Self::default()) };
        let published = published_beside(&library, &first.training.spec, AxisReach::Study);
        let draw = |quantity: Quantity| -> color_eyre::Result<(String, String)> {
            let options =
                ChartOptions { metric: quantity.metric(), layer: quantity.layer(), ..ChartOptions::default() };
            let mut plot = study_plot(runs, &options, &published, &[]);
            plot.title = String::new();
            let title = quantity.title();
            Ok((title, chart::svg_with_variables(&plot, &Viewport::default(), CHART)?))
        };
        let mut measured = measured_metrics(trainings());
        measured.sort_by_key(|metric| (*metric != Metric::ValError, *metric != Metric::TrainLoss));
        let (of_layers, of_whole): (Vec<Metric>, Vec<Metric>) =
            measured.into_iter().partition(|metric| metric.entry().per_layer);
        let layers = of_layers.into_iter().flat_map(|metric| {
            measured_layers(trainings(), metric).into_iter().map(move |layer| (metric, Some(layer)))
        });
        let quantities = |all: Vec<(Metric, Option<protocol::Layer>)>| -> color_eyre::Result<Vec<(String, String)>> {
            all.into_iter().filter_map(|(metric, layer)| Quantity::new(metric, layer).ok()).map(draw).collect()
        };
        Ok(Self {
            layers: quantities(layers.collect())?,
            whole: quantities(of_whole.into_iter().map(|metric| (metric, None)).collect())?,
        })
    }

    fn write(&self, html: &mut Html) {
        if self.whole.is_empty() {
            return;
        }
        html.element("section", &[("id", "charts")], |html| {
            html.leaf("h2", "Charts");
            self.whole.iter().for_each(|(title, svg)| write_chart(html, title, svg));
            if self.layers.is_empty() {
                return;
            }
            html.element("details", &[], |html| {
                html.leaf("summary", &format!("{} of single layers", format_count(self.layers.len(), "chart")));
                self.layers.iter().for_each(|(title, svg)| write_chart(html, title, svg));
            });
        });
    }
}

fn write_chart(html: &mut Html, title: &str, svg: &str) {
    html.element("figure", &[], |html| {
        html.leaf("h3", title);
        html.element("div", &[("class", "wide")], |html| html.markup(svg));
    });
}

/// What belongs to one run alone.
fn write_run(html: &mut Html, run: &ReportRun) {
    let id = format!("run-{}", run.number());
    html.element("section", &[("id", id.as_str())], |html| {
        html.leaf("h2", &run.title());
        html.element("pre", &[], |html| html.leaf("code", &run.study().to_string()));
        html.element("dl", &[], |html| {
            for (term, text) in facts(run) {
                html.leaf("dt", term);
                html.leaf("dd", &text);
            }
        });
        write_list(html, "Findings", &findings(run));
        let cells = run.sweep.as_ref().map(SweepReport::lines).unwrap_or_default();
        write_list(html, "Cells of the sweep", &cells);
    });
}

fn write_list(html: &mut Html, heading: &'static str, lines: &[String]) {
    if !lines.is_empty() {
        html.leaf("h3", heading);
        html.element("ul", &[], |html| lines.iter().for_each(|line| html.leaf("li", line)));
    }
}

/// What is known of a run beside its numbers, each with what it is.
fn facts(run: &ReportRun) -> Vec<(&'static str, String)> {
    let summary = &run.measured.summary;
    let mut facts = vec![
        ("state", format!("{}, {}", summary.state.name(), summary.advance())),
        ("trained for", format_clock(summary.elapsed)),
        ("begun", format_time(summary.created)),
    ];
    let tags = (!summary.tags.is_empty()).then(|| format_tags(&summary.tags));
    facts.extend(tags.map(|tags| ("tags", tags)));
    facts.extend(summary.notes.clone().map(|notes| ("notes", notes)));
    facts.extend(remarks(summary).into_iter().map(|remark| ("remark", remark)));
    facts.extend(run.steerings.iter().map(|steering| ("changed", steering.clone())));
    facts.extend(run.measured.diverged.iter().map(|(lane, epoch)| {
        ("diverged", format!("{} in epoch {epoch}: its loss was no finite number", run.study().lane_title(*lane)))
    }));
    facts
}

fn findings(run: &ReportRun) -> Vec<String> {
    let diverged: Vec<Lane> = run.measured.diverged.iter().map(|(lane, _)| *lane).collect();
    let mut texts: Vec<String> = Vec::new();
    for finding in run_findings(run.study(), &run.measured.records, &diverged, run.is_finished()) {
        let text = finding_text(&finding).replace("+-", "±");
        // All findings of an arm that diverged say the same.
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}
