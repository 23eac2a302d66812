//! The output of a run that is followed: progress bars on a terminal, else a line an epoch, or JSON lines on request.

use super::follow::PrintEvents;
use super::stored_run::format_metric;
use super::{complain, say, say_json};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use protocol::{EpochRecord, Lane, Metric, RunEvent, RunId, Study, escape_controls, format_clock};
use statistics::compare_first_arms;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use unicode_width::UnicodeWidthStr;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OutputStyle {
    Bars,
    Lines,
    Json,
}

impl OutputStyle {
    pub fn choose(json: bool) -> Self {
        if json {
            Self::Json
        } else if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
            Self::Bars
        } else {
            Self::Lines
        }
    }
}

/// Prints events in one of the styles. An event that comes again, live or from the store, is printed once.
pub struct RunOutput {
    run: RunId,
    style: OutputStyle,
    started: bool,
    /// Whether it was printed that the run waits.
    waits: bool,
    /// The last printed epoch of each lane.
    last_epochs: HashMap<Lane, u32>,
    /// Events that are printed once: the fork, divergences, steerings, and inexact resumes.
    remarks: Vec<RunEvent>,
    records: Vec<EpochRecord>,
    /// Wall-clock seconds over all sessions.
    elapsed: f64,
    spec: Option<Study>,
    bars: MultiProgress,
    lanes: HashMap<Lane, ProgressBar>,
}

impl RunOutput {
    pub fn new(run: RunId, style: OutputStyle) -> Self {
        Self {
            run,
            style,
            started: false,
            waits: false,
            last_epochs: HashMap::new(),
            remarks: Vec::new(),
            records: Vec::new(),
            elapsed: 0.0,
            spec: None,
            bars: MultiProgress::new(),
            lanes: HashMap::new(),
        }
    }

    fn print_json(&self, event: &RunEvent) -> color_eyre::Result<()> {
        if self.style == OutputStyle::Json { say_json(event) } else { Ok(()) }
    }

    fn print_line(&self, text: &str) -> color_eyre::Result<()> {
        match self.style {
            OutputStyle::Json => {}
            OutputStyle::Lines => say(text)?,
            OutputStyle::Bars => self.bars.println(escape_controls(text))?,
        }
        Ok(())
    }

    fn print_remark(&self, event: &RunEvent) -> color_eyre::Result<()> {
        match event {
            RunEvent::Diverged { arm, seed, epoch, batch, .. } => self.print_line(&format!(
                "{} seed {seed} diverged at epoch {epoch}, batch {batch}: its loss is no finite number",
                self.spec.as_ref().map_or_else(|| arm.title(), |spec| spec.arm_title(*arm))
            )),
            RunEvent::Forked { run, fork } => self.print_line(&format!("run {run} {}", fork.sentence())),
            RunEvent::NotExact { why, .. } => self.print_line(&format!("not exact: {why}")),
            RunEvent::Steered { steering, .. } => {
                self.spec.as_ref().map_or(Ok(()), |spec| self.print_line(&steering.sentence(spec)))
            }
            _ => Ok(()),
        }
    }

    fn open_bars(&mut self, spec: &Study) -> color_eyre::Result<()> {
        let style = ProgressStyle::with_template("{msg:44} {bar:24} {percent:>3}% {prefix} {eta_precise}")?;
        for lane in spec.lanes() {
            let steps = u64::from(spec.epochs) * batches(spec, lane);
            let bar = self.bars.add(ProgressBar::new(steps).with_style(style.clone()));
            bar.set_message(spec.lane_title(lane));
            self.lanes.insert(lane, bar);
        }
        Ok(())
    }

    fn lane_title(&self, lane: Lane) -> String {
        self.spec.as_ref().map_or_else(|| lane.title(), |spec| spec.lane_title(lane))
    }

    fn print_epoch(&self, r: &EpochRecord) -> color_eyre::Result<()> {
        match self.style {
            OutputStyle::Json => {}
            OutputStyle::Lines => say(&format!(
                "{} epoch {}: training loss {}, validation error {} %, test error {} %, {} s with evaluation, {} training images/s",
                self.lane_title(r.lane()),
                r.epoch,
                format_metric(r, Metric::TrainLoss, 4),
                format_metric(r, Metric::ValError, 2),
                format_metric(r, Metric::TestError, 2),
                format_metric(r, Metric::Seconds, 2),
                format_metric(r, Metric::ImagesPerSecond, 0)
            ))?,
            OutputStyle::Bars => {
                if let (Some(bar), Some(spec)) = (self.lanes.get(&r.lane()), &self.spec) {
                    bar.set_message(format!(
                        "{} epoch {:>3}  val {} %  test {} %",
                        spec.lane_title(r.lane()),
                        r.epoch,
                        format_metric(r, Metric::ValError, 2),
                        format_metric(r, Metric::TestError, 2)
                    ));
                    bar.set_position(u64::from(r.epoch) * batches(spec, r.lane()));
                }
            }
        }
        Ok(())
    }

    /// The lanes whose loss left the finite numbers, with the epoch.
    fn diverged(&self) -> Vec<(Lane, u32)> {
        let of = |remark: &RunEvent| match remark {
            RunEvent::Diverged { arm, seed, epoch, .. } => Some((Lane { arm: *arm, seed: *seed }, *epoch)),
            _ => None,
        };
        self.remarks.iter().filter_map(of).collect()
    }

    fn print_summary(&self) -> color_eyre::Result<()> {
        if self.style == OutputStyle::Json {
            return Ok(());
        }
        self.lanes.values().for_each(ProgressBar::finish);
        let Some(spec) = &self.spec else { return Ok(()) };
        let width = spec.lanes().into_iter().map(|lane| spec.lane_title(lane).width()).max().unwrap_or(0).max(18);
        say(&format!("{:<width$} {:>10} {:>14} {:>10}", "lane", "best val %", "at epoch", "test %"))?;
        for lane in spec.lanes() {
            let records = self.records.iter().filter(|record| record.lane() == lane);
            let errors = records.filter_map(|record| Some((record.get(Metric::ValError)?, record)));
            if let Some((error, best)) = errors.min_by(|(a, _), (b, _)| a.total_cmp(b)) {
                say(&format!(
                    "{:<width$} {error:>10.2} {:>14} {:>10}",
                    spec.lane_title(lane),
                    best.epoch,
                    format_metric(best, Metric::TestError, 2)
                ))?;
            }
        }
        for diverged in self.remarks.iter().filter(|remark| matches!(remark, RunEvent::Diverged { .. })) {
            self.print_remark(diverged)?;
        }
        say(&format!("trained for {}", format_clock(self.elapsed)))?;
        if let Some(sentence) = compare_first_arms(self.run, spec, &self.records, &self.diverged()) {
            say(&sentence)?;
        }
        Ok(())
    }
}

impl PrintEvents for RunOutput {
    fn print(&mut self, event: &RunEvent) -> color_eyre::Result<Option<ExitCode>> {
        match event {
            RunEvent::Started { spec, .. } => {
                if std::mem::replace(&mut self.started, true) {
                    return Ok(None);
                }
                self.spec = Some(spec.clone());
                self.print_json(event)?;
                if self.style == OutputStyle::Lines {
                    say(&format!("run {}", self.run))?;
                }
                if self.style == OutputStyle::Bars {
                    self.open_bars(spec)?;
                }
            }
            RunEvent::Epoch { record, .. } => {
                let last = self.last_epochs.entry(record.lane()).or_default();
                if record.epoch <= *last {
                    return Ok(None);
                }
                *last = record.epoch;
                self.records.push(record.clone());
                self.print_json(event)?;
                self.print_epoch(record)?;
            }
            RunEvent::Progress { progress, .. } => {
                let lane = Lane { arm: progress.arm, seed: progress.seed };
                if let Some(bar) = self.lanes.get(&lane) {
                    let done = u64::from(progress.epoch - 1) * u64::from(progress.batches) + u64::from(progress.batch);
                    bar.set_position(done);
                    bar.set_prefix(format!("{:>6.0} img/s", progress.images_per_second));
                }
            }
            RunEvent::Forked { .. }
            | RunEvent::Diverged { .. }
            | RunEvent::NotExact { .. }
            | RunEvent::Steered { .. } => {
                if !self.remarks.contains(event) {
                    self.remarks.push(event.clone());
                    self.print_json(event)?;
                    self.print_remark(event)?;
                }
            }
            RunEvent::Notice { text, .. } => {
                self.print_json(event)?;
                self.print_line(text.as_deref().unwrap_or("all is well again"))?;
            }
            RunEvent::Finished { .. } => {
                self.print_json(event)?;
                self.print_summary()?;
                return Ok(Some(ExitCode::SUCCESS));
            }
            RunEvent::Failed { reason, .. } => {
                self.print_json(event)?;
                self.bars.clear()?;
                complain(&format!("run {} failed: {reason}", self.run));
                return Ok(Some(ExitCode::FAILURE));
            }
            RunEvent::Stopped { .. } | RunEvent::Paused { .. } | RunEvent::Interrupted { .. } => {
                self.print_json(event)?;
                self.bars.clear()?;
                let how = match event {
                    RunEvent::Paused { .. } => "is paused",
                    RunEvent::Interrupted { .. } => "is interrupted",
                    _ => "is stopped",
                };
                complain(&format!(
                    "run {} {how}; `relu resume {}` goes on from its last checkpoint",
                    self.run, self.run
                ));
                return Ok(Some(ExitCode::FAILURE));
            }
            RunEvent::Deleted { .. } => {
                complain(&format!("run {} has been deleted", self.run));
                return Ok(Some(ExitCode::FAILURE));
            }
            RunEvent::Queued { .. } => {
                // It may come from the store and from the kernel.
                if !std::mem::replace(&mut self.waits, true) {
                    self.print_json(event)?;
                    self.print_line("it waits for a free core, and begins by itself")?;
                }
            }
            RunEvent::Continued { .. } => self.waits = false,
            RunEvent::Halved { .. }
            | RunEvent::Renamed { .. }
            | RunEvent::Tagged { .. }
            | RunEvent::Noted { .. }
            | RunEvent::Backend { .. } => {}
            RunEvent::Elapsed { seconds, .. } => self.elapsed = self.elapsed.max(*seconds),
        }
        Ok(None)
    }

    fn print_aside(&self, text: &str) -> color_eyre::Result<()> {
        if self.style == OutputStyle::Bars {
            self.bars.println(text)?;
        } else {
            complain(text);
        }
        Ok(())
    }
}

/// The batches of an epoch of a lane.
fn batches(spec: &Study, lane: Lane) -> u64 {
    spec.settings(lane.arm).map_or(1, |settings| settings.batches(spec.train_size)).into()
}
