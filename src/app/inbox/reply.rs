//! Answers of the kernel, by what they were asked for.

use crate::{App, Effect, Read, Tag};
use protocol::Reply;

impl App {
    pub(crate) fn replied(&mut self, tag: Tag, reply: Reply) -> Vec<Effect> {
        match (tag, reply) {
            (Tag::Race(key), Reply::Started { run }) => {
                let spec = self.starting.remove(&key).and_then(Result::ok);
                let mut effects = vec![Effect::Read(Read::Run(run))];
                effects.extend(self.show_new_run(&key, run, spec.as_ref()));
                return effects;
            }
            (tag, Reply::Refused { message, .. }) => return self.unanswered(tag, message),
            _ => {}
        }
        Vec::new()
    }

    /// A request that was refused or that no kernel answered.
    pub(crate) fn unanswered(&mut self, tag: Tag, why: String) -> Vec<Effect> {
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
