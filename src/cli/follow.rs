//! Follows a run to its end, over a connection that may be cut.

use super::{Outcome, complain};
use color_eyre::eyre::WrapErr;
use protocol::{ErrorKind, Event, RequestBody, RunEvent, RunId, Subject, Unreadable};
use shell::client::{Client, ClientError, Message};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::process::ExitCode;
use std::time::Duration;
use store::{Home, Store};

/// How often Ctrl-C is looked at while nothing happens.
const GLANCE: Duration = Duration::from_millis(100);

/// Tells what happens to a run that is followed, each event once however often it comes: live, and from the store.
pub trait Tell {
    /// `Some` exit code at the end of the run.
    fn tell(&mut self, event: &RunEvent) -> color_eyre::Result<Option<ExitCode>>;

    /// Something beside the run, where it disturbs neither bars nor JSON.
    fn remark_aside(&self, text: &str) -> color_eyre::Result<()>;
}

/// Follows a run that `client` is following already; 0 only if it finishes.
pub fn follow(client: Client, home: &Home, run: RunId, halt: Halt, teller: Box<dyn Tell>) -> Outcome {
    let mut signals = Signals::new([SIGINT, SIGTERM]).wrap_err("Ctrl-C can't be caught")?;
    let mut interrupts = 0;
    let mut asked_to_stop = false;
    let mut follower = Follower { home, run, client, teller, halt, skipped: Vec::new() };
    if let Some(code) = follower.replay()? {
        return Ok(code);
    }
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
                follower.stop()?;
            }
            _ => {
                complain(&format!("left; run {run} may still be stopping, `relu runs` tells"));
                return Ok(ExitCode::FAILURE);
            }
        }
        if let Some(code) = follower.hear()? {
            return Ok(code);
        }
    }
}

struct Follower<'a> {
    home: &'a Home,
    run: RunId,
    client: Client,
    teller: Box<dyn Tell>,
    halt: Halt,
    /// What was said of lines that can't be read.
    skipped: Vec<String>,
}

impl Follower<'_> {
    /// What was committed before we listened stands in the store; what is in both is told once.
    fn replay(&mut self) -> color_eyre::Result<Option<ExitCode>> {
        for event in Store::open_read(self.home)?.history(self.run)? {
            if self.halt == Halt::Pardoned && is_halt(&event) {
                continue;
            }
            if let Some(code) = self.teller.tell(&event)? {
                return Ok(Some(code));
            }
        }
        Ok(None)
    }

    /// Waits a moment for the next event.
    fn hear(&mut self) -> color_eyre::Result<Option<ExitCode>> {
        match self.client.next_event(GLANCE) {
            Ok(Some(Message::Event(Event::Run(event)))) if event.run() == self.run => {
                if self.halt.pardons(&event) {
                    Ok(None)
                } else {
                    self.teller.tell(&event)
                }
            }
            Ok(Some(Message::Unreadable(line))) => self.skip(&line),
            Ok(_) => Ok(None),
            Err(gone @ ClientError::Gone { .. }) => self.come_back(gone),
            Err(error) => Err(error.into()),
        }
    }

    /// One line that can't be read is skipped with a word; what was committed with it stands in the store.
    fn skip(&mut self, line: &Unreadable) -> color_eyre::Result<Option<ExitCode>> {
        let word = line.to_string();
        if !self.skipped.contains(&word) {
            self.teller.remark_aside(&word)?;
            self.skipped.push(word);
        }
        if line.subject == Some(Subject::Run(self.run)) && !line.is_progress() { self.replay() } else { Ok(None) }
    }

    /// The kernel cuts off whoever does not read, one that was suspended for minutes say, and trains on: what was missed
    /// stands in the store.
    fn come_back(&mut self, gone: ClientError) -> color_eyre::Result<Option<ExitCode>> {
        let run = self.run;
        let Some(mut client) = Client::connect(self.home).map_err(|error| cut_short(error, run))? else {
            return Err(cut_short(gone, run));
        };
        // The kernel that trained the run is gone, and the next one may have taken it up: an exit status of 0 would say that
        // nothing has happened.
        if client.hello().pid != self.client.hello().pid {
            return Err(cut_short(gone, run));
        }
        client.request(RequestBody::Follow).map_err(|error| cut_short(error, run))?;
        self.client = client;
        self.halt = Halt::Ends;
        self.replay()
    }

    fn stop(&mut self) -> Result<(), ClientError> {
        self.halt = Halt::Ends;
        match self.client.request(RequestBody::Stop { run: self.run }) {
            // It has come to its end by itself, or the kernel has: the next event tells.
            Ok(_) | Err(ClientError::Refused { kind: ErrorKind::State, .. } | ClientError::Gone { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A kernel that is gone has left its run where it was.
pub fn cut_short(error: ClientError, run: RunId) -> color_eyre::Report {
    match error {
        gone @ ClientError::Gone { .. } => color_eyre::Report::new(gone)
            .wrap_err(format!("run {run} is interrupted; `relu resume {run}` goes on, and so does the next kernel")),
        error => error.into(),
    }
}

fn is_halt(event: &RunEvent) -> bool {
    use RunEvent::{Failed, Interrupted, Paused, Stopped};
    matches!(event, Stopped { .. } | Paused { .. } | Interrupted { .. } | Failed { .. })
}

/// What the next halt of the run means to its follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    Ends,
    /// A resume was asked: should a halt still be under way, the run goes on after it.
    Pardoned,
}

impl Halt {
    /// Whether this event, the next one, is the halt before the resume. No other after it is.
    fn pardons(&mut self, event: &RunEvent) -> bool {
        let pardoned = *self == Self::Pardoned && is_halt(event);
        if pardoned || matches!(event, RunEvent::Continued { .. } | RunEvent::Queued { .. }) {
            *self = Self::Ends;
        }
        pardoned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halt_before_a_resume_is_pardoned_and_no_other() {
        let run = RunId(1);
        let stopped = RunEvent::Stopped { run };
        let pardons =
            |mut halt: Halt, events: &[RunEvent]| events.iter().map(|event| halt.pardons(event)).collect::<Vec<_>>();
        let resumed = [RunEvent::Continued { run }, stopped.clone()];
        assert_eq!(pardons(Halt::Pardoned, &resumed), [false, false]);
        let halting = [stopped.clone(), RunEvent::Continued { run }, stopped.clone()];
        assert_eq!(pardons(Halt::Pardoned, &halting), [true, false, false]);
        // The disk refused the resume: the kernel tells the halt again.
        assert_eq!(pardons(Halt::Pardoned, &[stopped.clone(), stopped.clone()]), [true, false]);
        assert_eq!(pardons(Halt::Ends, &[stopped]), [false]);
    }
}
