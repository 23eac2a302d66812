//! `relu measure`: runs the lessons' experiments without the notebook, for instance overnight. The notebook shows the results
//! afterwards.

use super::{Outcome, Usage, complain, connect_or_start, say, say_json};
use clap::Args;
use color_eyre::eyre::WrapErr;
use lesson::{CellBody, Library};
use protocol::{CellEvent, CellKey, Effort, Event, ExperimentSpec, RequestBody, Subject, Timings};
use serde_json::json;
use shell::client::Message;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::process::ExitCode;
use std::time::Duration;
use store::{Home, Store};

#[derive(Args)]
pub struct Measure {
    /// LESSON or LESSON/CELL, such as `sparse-coding` or `sparse-coding/ista`; otherwise every lesson
    cells: Vec<String>,
    /// The full setting, where an experiment has one
    #[arg(long)]
    full: bool,
    /// One JSON object a line, one a cell
    #[arg(long)]
    json: bool,
}

/// How often Ctrl-C is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

pub fn measure(arguments: &Measure) -> Outcome {
    let wanted = select_cells(&Library::english(), arguments)?;
    let home = Home::locate()?;
    home.prepare()?;
    let mut client = connect_or_start(&home)?;
    client.request(RequestBody::Follow)?;
    let mut timings = read_timings(&home);
    let mut signals = Signals::new([SIGINT, SIGTERM]).wrap_err("Ctrl-C can't be caught")?;
    let (mut failed, mut skipped) = (false, Vec::new());
    for (key, spec) in wanted {
        let name = format!("{}/{}", key.lesson, key.cell);
        if !arguments.json {
            say(&format!("{name}: it takes {}", timings.experiment(&spec)))?;
        }
        client.request(RequestBody::RunCell { cell: key.clone(), spec: spec.clone() })?;
        let outcome = loop {
            if signals.pending().next().is_some() {
                client.request(RequestBody::StopCell { cell: key })?;
                complain(&format!("{name} is stopped; what was measured before it is kept"));
                return Ok(ExitCode::FAILURE);
            }
            let event = match client.next_event(POLL_INTERVAL)? {
                Some(Message::Event(event)) => event,
                Some(Message::Unreadable(line))
                    if line.ends_cell() && line.subject == Some(Subject::Cell(key.clone())) =>
                {
                    break Err(line.to_string());
                }
                Some(Message::Unreadable(line)) => {
                    let remark = line.to_string();
                    if !skipped.contains(&remark) {
                        complain(&remark);
                        skipped.push(remark);
                    }
                    continue;
                }
                None => continue,
            };
            match event {
                Event::Cell(CellEvent::Finished { cell, outcome }) if cell == key => break Ok(outcome),
                Event::Cell(CellEvent::Failed { cell, reason }) if cell == key => break Err(reason),
                Event::Cell(CellEvent::Stopped { cell }) if cell == key => {
                    break Err("another notebook stopped it".into());
                }
                _ => {}
            }
        };
        if let Ok(outcome) = &outcome {
            timings.record_experiment(&spec, outcome.seconds);
        }
        match outcome {
            Ok(outcome) if arguments.json => {
                say_json(&json!({ "lesson": key.lesson, "cell": key.cell, "spec": spec, "seconds": outcome.seconds,
                                  "findings": outcome.findings }))?;
            }
            Ok(outcome) => {
                for finding in &outcome.findings {
                    say(&format!("  {}", app::finding_text(finding)))?;
                }
                say(&format!("  measured in {:.1} s", outcome.seconds))?;
            }
            Err(reason) => {
                failed = true;
                complain(&format!("{name}: {reason}"));
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The durations of earlier measurements; none if the store can't be read.
fn read_timings(home: &Home) -> Timings {
    let mut timings = Timings::on(shell::cores());
    let mut records = Store::open_read(home).and_then(|store| store.cell_outcomes()).unwrap_or_default();
    records.sort_by_key(|record| record.finished);
    for record in &records {
        timings.record_experiment(&record.spec, record.outcome.seconds);
    }
    timings
}

/// The experiments that the arguments name, in the lessons' order.
fn select_cells(library: &Library, arguments: &Measure) -> Result<Vec<(CellKey, ExperimentSpec)>, Usage> {
    let mut found = Vec::new();
    let lesson_of = |asked: &String| library.named(asked).map(|at| library.lessons[at].meta.id.as_str());
    let lessons: Vec<_> = arguments.cells.iter().map(lesson_of).collect();
    let mut known = vec![false; arguments.cells.len()];
    for lesson in &library.lessons {
        for cell in lesson.cells() {
            let CellBody::Experiment(experiment) = &cell.body else { continue };
            let (id, name) = (&lesson.meta.id, format!("{}/{}", lesson.meta.id, cell.id));
            let mut named = arguments.cells.is_empty();
            for ((known, asked), lesson) in known.iter_mut().zip(&arguments.cells).zip(&lessons) {
                let was = cell.was.as_ref().map(|was| format!("{}/{}", was.lesson, was.cell));
                if *lesson == Some(id) || *asked == name || *asked == cell.id || was.as_ref() == Some(asked) {
                    (*known, named) = (true, true);
                }
            }
            if named {
                let effort = if arguments.full { Effort::Full } else { experiment.spec.effort };
                let spec = ExperimentSpec { effort, ..experiment.spec.clone() };
                found.push((CellKey { lesson: id.clone(), cell: cell.id.clone() }, spec));
            }
        }
    }
    if let Some(at) = known.iter().position(|known| !known) {
        let asked = &arguments.cells[at];
        return Err(Usage(match lessons[at] {
            Some(lesson) => format!("the lesson `{lesson}` has no experiment; `relu open {lesson}` shows what it has"),
            None => format!("no lesson and no experiment is called `{asked}`; `relu lessons --json` lists them"),
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cells: &[&str]) -> Result<Vec<String>, String> {
        let cells = cells.iter().map(ToString::to_string).collect();
        let arguments = Measure { cells, full: false, json: false };
        let found = select_cells(&Library::english(), &arguments).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|(key, _)| format!("{}/{}", key.lesson, key.cell)).collect())
    }

    #[test]
    fn lessons_and_cells_are_found_by_their_names() {
        assert_eq!(names(&["sparse-coding/ista", "sparsity"]).unwrap().last().unwrap(), "sparse-coding/ista");
        assert_eq!(names(&["distributed/ista"]).unwrap(), ["sparse-coding/ista"], "as it was called once");
        assert!(names(&[]).unwrap().len() > 15);
        assert_eq!(names(&["curves"]).unwrap(), ["sigmoid/curves"]);
        assert_eq!(names(&["II.2"]).unwrap(), ["gradients/depth", "gradients/training"]);
        assert!(names(&["nothing/there"]).unwrap_err().contains("`nothing/there`"));
        assert!(names(&["welcome"]).unwrap_err().contains("has no experiment"));
    }
}
