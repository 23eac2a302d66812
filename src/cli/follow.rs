//! Follows a run to its end: bars on a terminal, a line an epoch elsewhere, JSON lines where asked.

use super::{Outcome, complain, say, say_json};
use crate::protocol::{EpochRecord, Event, Lane, RequestBody, RunEvent, RunId, RunSpec, verdict};
use crate::shell::client::{Client, ClientError};
use crate::store::{Home, Store};
use color_eyre::eyre::WrapErr;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Bars,
    Lines,
    Json,
}

impl Style {
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

/// How often Ctrl-C is looked at while nothing happens.
const GLANCE: Duration = Duration::from_millis(100);

/// Follows a run that `client` is following already; 0 only if it finishes.
pub fn follow(mut client: Client, home: &Home, run: RunId, style: Style) -> Outcome {
    let mut signals = Signals::new([SIGINT, SIGTERM]).wrap_err("Ctrl-C can't be caught")?;
    let mut interrupts = 0;
    let mut teller = Teller::new(run, style);
    // What was committed before we listened stands in the store; what is in both is told once.
    for event in Store::open_read(home)?.history(run)? {
        if let Some(code) = teller.tell(&event)? {
            return Ok(code);
        }
    }
    let mut asked_to_stop = false;
    loop {
        for signal in signals.pending() {
            // Whoever ends the follower, a session at its end say, has not asked for the end of the run; Ctrl-C has.
            if signal == SIGTERM {
                complain(&format!("left; run {run} goes on in the kernel, `relu stop {run}` stops it"));
                return Ok(ExitCode::FAILURE);
            }
            interrupts += 1;
        }
        match interrupts {
            0 => {}
            1 if asked_to_stop => {}
            1 => {
                asked_to_stop = true;
                client.request(RequestBody::Stop { run })?;
            }
            _ => {
                complain(&format!("left; run {run} may still be stopping, `relu runs` tells"));
                return Ok(ExitCode::FAILURE);
            }
        }
        match client.next_event(GLANCE) {
            Ok(Some(Event::Run(event))) if event.run() == run => {
                if let Some(code) = teller.tell(&event)? {
                    return Ok(code);
                }
            }
            Ok(_) => {}
            Err(error @ ClientError::Gone { .. }) => {
                return Err(error).wrap_err_with(|| format!("run {run} is interrupted; `relu resume {run}` goes on"));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tells events in one of the styles, each epoch once.
struct Teller {
    run: RunId,
    style: Style,
    started: bool,
    told: HashMap<Lane, u32>,
    records: Vec<EpochRecord>,
    spec: Option<RunSpec>,
    bars: MultiProgress,
    lanes: HashMap<Lane, ProgressBar>,
}

impl Teller {
    fn new(run: RunId, style: Style) -> Self {
        Self {
            run,
            style,
            started: false,
            told: HashMap::new(),
            records: Vec::new(),
            spec: None,
            bars: MultiProgress::new(),
            lanes: HashMap::new(),
        }
    }

    /// `Some` exit code at the end of the run.
    fn tell(&mut self, event: &RunEvent) -> color_eyre::Result<Option<ExitCode>> {
        match event {
            RunEvent::Started { spec, .. } => {
                if std::mem::replace(&mut self.started, true) {
                    return Ok(None);
                }
                self.spec = Some(spec.clone());
                self.json(event)?;
                if self.style == Style::Lines {
                    say(&format!("run {}", self.run))?;
                }
                if self.style == Style::Bars {
                    self.open_bars(spec)?;
                }
            }
            RunEvent::Epoch { record, .. } => {
                let last = self.told.entry(record.lane()).or_default();
                if record.epoch <= *last {
                    return Ok(None);
                }
                *last = record.epoch;
                self.records.push(record.clone());
                self.json(event)?;
                self.epoch(record)?;
            }
            RunEvent::Progress { progress, .. } => {
                let lane = Lane { arm: progress.arm, seed: progress.seed };
                if let Some(bar) = self.lanes.get(&lane) {
                    let done = u64::from(progress.epoch - 1) * u64::from(progress.batches) + u64::from(progress.batch);
                    bar.set_position(done);
                    bar.set_prefix(format!("{:>6.0} img/s", progress.images_per_second));
                }
            }
            RunEvent::Diverged { arm, seed, epoch, batch, .. } => {
                self.json(event)?;
                self.line(&format!(
                    "{arm} seed {seed}: the loss left the finite numbers in epoch {epoch}, batch {batch}"
                ))?;
            }
            RunEvent::Notice { text, .. } => {
                self.json(event)?;
                self.line(text.as_deref().unwrap_or("all is well again"))?;
            }
            RunEvent::NotExact { why, .. } => {
                self.json(event)?;
                self.line(&format!("not exact: {why}"))?;
            }
            RunEvent::Finished { .. } => {
                self.json(event)?;
                self.summary()?;
                return Ok(Some(ExitCode::SUCCESS));
            }
            RunEvent::Failed { reason, .. } => {
                self.json(event)?;
                self.bars.clear()?;
                complain(&format!("run {} failed: {reason}", self.run));
                return Ok(Some(ExitCode::FAILURE));
            }
            RunEvent::Stopped { .. } | RunEvent::Paused { .. } | RunEvent::Interrupted { .. } => {
                // A resumed run's history may hold its earlier end; the live events follow.
                self.json(event)?;
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
            RunEvent::Queued { .. }
            | RunEvent::Continued { .. }
            | RunEvent::Renamed { .. }
            | RunEvent::Backend { .. } => {}
        }
        Ok(None)
    }

    fn json(&self, event: &RunEvent) -> color_eyre::Result<()> {
        if self.style == Style::Json { say_json(event) } else { Ok(()) }
    }

    fn line(&self, text: &str) -> color_eyre::Result<()> {
        match self.style {
            Style::Json => {}
            Style::Lines => say(text)?,
            Style::Bars => self.bars.println(text)?,
        }
        Ok(())
    }

    fn open_bars(&mut self, spec: &RunSpec) -> color_eyre::Result<()> {
        let style = ProgressStyle::with_template("{msg:44} {bar:24} {percent:>3}% {prefix} {eta_precise}")?;
        for lane in spec.lanes() {
            let steps = u64::from(spec.epochs) * u64::from(spec.batches());
            let bar = self.bars.add(ProgressBar::new(steps).with_style(style.clone()));
            bar.set_message(lane.to_string());
            self.lanes.insert(lane, bar);
        }
        Ok(())
    }

    fn epoch(&self, r: &EpochRecord) -> color_eyre::Result<()> {
        match self.style {
            Style::Json => {}
            Style::Lines => say(&format!(
                "{} epoch {}: training loss {:.4}, validation error {:.2} %, test error {:.2} %, {:.2} s, {:.0} images/s",
                r.lane(),
                r.epoch,
                r.train_loss,
                r.val_error,
                r.test_error,
                r.seconds,
                r.images_per_second
            ))?,
            Style::Bars => {
                if let (Some(bar), Some(spec)) = (self.lanes.get(&r.lane()), &self.spec) {
                    bar.set_message(format!(
                        "{} epoch {:>3}  val {:.2} %  test {:.2} %",
                        r.lane(),
                        r.epoch,
                        r.val_error,
                        r.test_error
                    ));
                    bar.set_position(u64::from(r.epoch) * u64::from(spec.batches()));
                }
            }
        }
        Ok(())
    }

    fn summary(&self) -> color_eyre::Result<()> {
        if self.style == Style::Json {
            return Ok(());
        }
        self.lanes.values().for_each(ProgressBar::finish);
        let Some(spec) = &self.spec else { return Ok(()) };
        say(&format!("{:<18} {:>10} {:>14} {:>10}", "lane", "best val %", "at epoch", "test %"))?;
        for lane in spec.lanes() {
            let records = self.records.iter().filter(|record| record.lane() == lane);
            let best = records.min_by(|a, b| a.val_error.total_cmp(&b.val_error).then(a.epoch.cmp(&b.epoch)));
            if let Some(best) = best {
                say(&format!("{:<18} {:>10.2} {:>14} {:>10.2}", lane, best.val_error, best.epoch, best.test_error))?;
            }
        }
        if let [first, second, ..] = spec.arms.as_slice()
            && let Some(sentence) = verdict(*first, *second, &self.records, true)
        {
            say(&sentence)?;
        }
        Ok(())
    }
}
