//! The question that is asked when the notebook quits while a run is active.

use super::{Modal, QuitChoice};
use crate::{App, Effect, Tag};
use protocol::{RequestBody, RunState};

impl App {
    /// Closes the question when no run is active any more, as its answer would mean nothing.
    pub(crate) fn close_stale_quit_question(&mut self) {
        let asked = matches!(self.modals.last(), Some(Modal::Quit(_)));
        if asked && self.active_runs().is_empty() {
            self.modals.pop();
            self.message.get_or_insert_with(|| "no race runs any more; q quits".into());
        }
    }

    pub(crate) fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.active_runs().iter().any(|training| training.state != RunState::Paused) {
            self.modals.push(Modal::Quit(QuitChoice::default()));
            return Vec::new();
        }
        self.quit = true;
        self.save_position()
    }

    pub(crate) fn quit_with(&mut self, choice: QuitChoice) -> Vec<Effect> {
        self.quit = true;
        let mut effects = self.save_position();
        for run in self.active_runs().iter().map(|training| training.run) {
            let body = match choice {
                QuitChoice::KeepRunning => continue,
                QuitChoice::Pause => RequestBody::Pause { run },
                QuitChoice::Stop => RequestBody::Stop { run },
            };
            effects.push(Effect::RequestIfOn(Tag::Run(run), body));
        }
        effects
    }
}
