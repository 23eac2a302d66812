//! Answers of the kernel, by what they were asked for.

use super::{App, Effect, Read, Tag};
use crate::protocol::{Reply, RequestBody};

impl App {
    pub(super) fn replied(&mut self, tag: Tag, reply: Reply) -> Vec<Effect> {
        match (tag, reply) {
            (Tag::Race(key), Reply::Started { run }) => {
                self.starting.remove(&key);
                self.cell_runs.insert(key.clone(), run);
                let remember =
                    RequestBody::Remember { key: format!("cell-run/{}/{}", key.lesson, key.cell), value: run.0.into() };
                return vec![Effect::Read(Read::Run(run)), Effect::Request(Tag::Plain, remember)];
            }
            (tag, Reply::Refused { message, .. }) => return self.unanswered(tag, message),
            _ => {}
        }
        Vec::new()
    }

    /// A request that was refused or that no kernel answered.
    pub(super) fn unanswered(&mut self, tag: Tag, why: String) -> Vec<Effect> {
        match tag {
            Tag::Race(key) => {
                self.starting.insert(key, Err(why));
            }
            Tag::Cell(key) => {
                let view = self.experiments.entry(key).or_default();
                view.running = None;
                view.error = Some(why);
            }
            Tag::Run(run) => {
                if let Some(race) = self.races.get_mut(&run) {
                    race.resuming = false;
                }
                self.message = Some(why);
            }
            Tag::Plain => self.message = Some(why),
        }
        Vec::new()
    }
}
