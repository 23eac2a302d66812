//! Follows a run to its end and reconnects if the connection is lost.

use super::{Outcome, complain};
use color_eyre::eyre::WrapErr;
use protocol::{ErrorKind, Event, RequestBody, RunEvent, RunId, Subject, Unreadable};
use shell::client::{Client, ClientError, Message};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::process::ExitCode;
use std::time::Duration;
use store::{Home, Store};

/// How often Ctrl-C is checked while no event comes.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Prints what happens to a run that is followed. An event that comes again, live or from the store, is printed once.
pub trait PrintEvents {
    /// Prints an event. Returns the exit code if the event ends the run.
    fn print(&mut self, event: &RunEvent) -> color_eyre::Result<Option<ExitCode>>;

    /// Prints a remark that is not of the run, without breaking bars or JSON.
    fn print_aside(&self, text: &str) -> color_eyre::Result<()>;
}

/// Prints the events of a run to its end. `client` must have sent `RequestBody::Follow`. The exit code is 0 only if the run
/// finishes.
pub fn follow(client: Client, home: &Home, run: RunId, halt: Halt, output: Box<dyn PrintEvents>) -> Outcome {
    let mut signals = Signals::new([SIGINT, SIGTERM]).wrap_err("Ctrl-C can't be caught")?;
    let mut interrupts = 0;
    let mut asked_to_stop = false;
    let mut follower = Follower { home, run, client, output, halt, skipped: Vec::new() };
    if let Some(code) = follower.replay()? {
        return Ok(code);
    }
    loop {
        for signal in signals.pending() {
            // SIGTERM ends this process, for instance with its session, and not the run. Ctrl-C stops the run.
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
        if let Some(code) = follower.print_next_event()? {
            return Ok(code);
        }
    }
}

struct Follower<'a> {
    home: &'a Home,
    run: RunId,
    client: Client,
    output: Box<dyn PrintEvents>,
    halt: Halt,
    /// The remarks on unreadable lines that were printed.
    skipped: Vec<String>,
}

impl Follower<'_> {
    /// Prints what was committed before the connection. An event that comes again live is printed once.
    fn replay(&mut self) -> color_eyre::Result<Option<ExitCode>> {
        for event in Store::open_read(self.home)?.history(self.run)? {
            if self.halt == Halt::Ignored && is_halt(&event) {
                continue;
            }
            if let Some(code) = self.output.print(&event)? {
                return Ok(Some(code));
            }
        }
        Ok(None)
    }

    /// Waits [`POLL_INTERVAL`] for the next event and prints it.
    fn print_next_event(&mut self) -> color_eyre::Result<Option<ExitCode>> {
        match self.client.next_event(POLL_INTERVAL) {
            Ok(Some(Message::Event(Event::Run(event)))) if event.run() == self.run => {
                if self.halt.ignores(&event) {
                    Ok(None)
                } else {
                    self.output.print(&event)
                }
            }
            Ok(Some(Message::Unreadable(line))) => self.skip(&line),
            Ok(_) => Ok(None),
            Err(gone @ ClientError::Gone { .. }) => self.reconnect(gone),
            Err(error) => Err(error.into()),
        }
    }

    /// Skips a line that can't be read, with a remark. What was committed with it is in the store.
    fn skip(&mut self, line: &Unreadable) -> color_eyre::Result<Option<ExitCode>> {
        let remark = line.to_string();
        if !self.skipped.contains(&remark) {
            self.output.print_aside(&remark)?;
            self.skipped.push(remark);
        }
        if line.subject == Some(Subject::Run(self.run)) && !line.is_progress() { self.replay() } else { Ok(None) }
    }

    /// Connects again. The kernel closes the connection of a client that does not read, such as one that was suspended, and goes
    /// on training. The missed events are in the store.
    fn reconnect(&mut self, gone: ClientError) -> color_eyre::Result<Option<ExitCode>> {
        let run = self.run;
        let Some(mut client) = Client::connect(self.home).map_err(|error| interrupted_error(error, run))? else {
            return Err(interrupted_error(gone, run));
        };
        // The kernel that trained the run has ended. The next one may go on with the run, but an exit code of 0 would hide the
        // interruption.
        if client.hello().pid != self.client.hello().pid {
            return Err(interrupted_error(gone, run));
        }
        client.request(RequestBody::Follow).map_err(|error| interrupted_error(error, run))?;
        self.client = client;
        self.halt = Halt::Ends;
        self.replay()
    }

    fn stop(&mut self) -> Result<(), ClientError> {
        self.halt = Halt::Ends;
        match self.client.request(RequestBody::Stop { run: self.run }) {
            // The run or the kernel has ended by itself, and the next event says so.
            Ok(_) | Err(ClientError::Refused { kind: ErrorKind::State, .. } | ClientError::Gone { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Says how to resume the run if the kernel has ended.
pub fn interrupted_error(error: ClientError, run: RunId) -> color_eyre::Report {
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

/// What the next stop, pause, interruption or failure means for the follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    Ends,
    /// A resume was requested. If the run was just stopping, it goes on after that.
    Ignored,
}

impl Halt {
    /// Whether this event is the halt before the resume, which is ignored. Later ones are not.
    fn ignores(&mut self, event: &RunEvent) -> bool {
        let ignored = *self == Self::Ignored && is_halt(event);
        if ignored || matches!(event, RunEvent::Continued { .. } | RunEvent::Queued { .. }) {
            *self = Self::Ends;
        }
        ignored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halt_before_a_resume_is_pardoned_and_no_other() {
        let run = RunId(1);
        let stopped = RunEvent::Stopped { run };
        let ignores =
            |mut halt: Halt, events: &[RunEvent]| events.iter().map(|event| halt.ignores(event)).collect::<Vec<_>>();
        let resumed = [RunEvent::Continued { run }, stopped.clone()];
        assert_eq!(ignores(Halt::Ignored, &resumed), [false, false]);
        let halting = [stopped.clone(), RunEvent::Continued { run }, stopped.clone()];
        assert_eq!(ignores(Halt::Ignored, &halting), [true, false, false]);
        // The disk refused the resume: the kernel sends the halt again.
        assert_eq!(ignores(Halt::Ignored, &[stopped.clone(), stopped.clone()]), [true, false]);
        assert_eq!(ignores(Halt::Ends, &[stopped]), [false]);
    }
}
