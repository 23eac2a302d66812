//! The question that is asked when the notebook quits while a run trains.

use super::{Modal, QuitChoice};
use crate::{App, Effect, Tag};
use protocol::{RequestBody, RunState};

impl App {
    /// What was asked about has come to its end meanwhile, or its kernel has: an answer would mean nothing any more.
    pub(crate) fn close_stale_quit_question(&mut self) {
        let asked = matches!(self.modals.last(), Some(Modal::Quit(_)));
        if asked && self.running().is_empty() {
            self.modals.pop();
            self.message.get_or_insert_with(|| "no race runs any more; q quits".into());
        }
    }

    pub(crate) fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.running().iter().any(|training| training.state != RunState::Paused) {
            self.modals.push(Modal::Quit(QuitChoice::default()));
            return Vec::new();
        }
        self.quit = true;
        self.remember_place()
    }

    pub(crate) fn quit_with(&mut self, choice: QuitChoice) -> Vec<Effect> {
        self.quit = true;
        let mut effects = self.remember_place();
        for run in self.running().iter().map(|training| training.run) {
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
