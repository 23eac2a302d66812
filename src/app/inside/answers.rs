//! The answers of views: which are known, which are asked for, and which are still needed. One question of an arm is on its way
//! at a time, and what is asked next is decided when its answer has come, so keys that are held down leave no questions behind.

use protocol::{ImageSplit, RunId, Seen, SeenShape, View, ViewAnswer, ViewImage, ViewRequest};
use std::collections::VecDeque;
use std::mem::discriminant;

/// Answers that are kept. The largest, the maps of an image in the convnet, has 1 MB.
const KEPT: usize = 64;
/// Questions on their way: one of each arm that is shown.
const ON_THEIR_WAY: usize = 2;

/// An answer, or why there is none.
pub type Answered = Result<ViewAnswer, String>;

#[derive(Debug, Default)]
pub struct Answers {
    /// The newest first.
    known: VecDeque<(ViewRequest, Answered)>,
    asked: Vec<(u64, ViewRequest)>,
    next: u64,
}

impl Answers {
    pub fn get(&self, request: &ViewRequest) -> Option<&Answered> {
        self.known.iter().find(|(known, _)| known == request).map(|(_, answer)| answer)
    }

    /// The answer; until it has come, what was answered last to the same kind of question about the same arm.
    pub fn shown(&self, request: &ViewRequest) -> Shown<'_> {
        self.shown_until(request, |known| discriminant(&known.view) == discriminant(&request.view))
    }

    /// The answer; until it has come, the last one to the same question at another epoch.
    pub(crate) fn shown_at_any_epoch(&self, request: &ViewRequest) -> Shown<'_> {
        self.shown_until(request, |known| known.view == request.view && known.changes == request.changes)
    }

    /// The answer; until it has come, the last one about the same arm to a question that is like it.
    fn shown_until(&self, request: &ViewRequest, is_like: impl Fn(&ViewRequest) -> bool) -> Shown<'_> {
        match self.get(request) {
            Some(Ok(answer)) => return Shown::Current(answer),
            Some(Err(why)) => return Shown::Fault(why),
            None => {}
        }
        let is_alike = |known: &ViewRequest| {
            (known.run, known.arm, known.seed) == (request.run, request.arm, request.seed) && is_like(known)
        };
        let alike = self.known.iter().find(|(known, answer)| answer.is_ok() && is_alike(known));
        alike.and_then(|(_, answer)| answer.as_ref().ok()).map_or(Shown::Nothing, Shown::Earlier)
    }

    /// The questions to send now, each with its number, of those that are needed, the most urgent first. A fault stays as
    /// long as its question is needed; then it is forgotten, so the question is asked again if it is needed later.
    pub(crate) fn ask(&mut self, needed: Vec<ViewRequest>) -> Vec<(u64, ViewRequest)> {
        self.known.retain(|(known, answer)| answer.is_ok() || needed.contains(known));
        let mut sent = Vec::new();
        for request in needed {
            let is_known = self.get(&request).is_some() || self.asked.iter().any(|(_, asked)| *asked == request);
            if is_known || self.asked.len() >= ON_THEIR_WAY {
                continue;
            }
            self.next += 1;
            self.asked.push((self.next, request.clone()));
            sent.push((self.next, request));
        }
        sent
    }

    /// Keeps an answer; returns its question.
    pub(crate) fn take(&mut self, number: u64, answer: Answered) -> Option<ViewRequest> {
        let at = self.asked.iter().position(|(asked, _)| *asked == number)?;
        let (_, request) = self.asked.swap_remove(at);
        self.known.truncate(KEPT - 1);
        self.known.push_front((request.clone(), answer));
        Some(request)
    }

    /// The shape of the image that was looked at last by a network of a run.
    pub(crate) fn newest_image_shape(&self, run: RunId) -> Option<SeenShape> {
        self.known.iter().filter(|(request, _)| request.run == run).find_map(|(_, answer)| {
            match &answer.as_ref().ok()?.seen {
                Seen::Maps { image, .. } | Seen::Ask { image, .. } => Some(image.shape),
                Seen::Mistakes { shape, .. } | Seen::Wants { shape, .. } => Some(*shape),
                _ => None,
            }
        })
    }

    /// The pixels of an image of a run's data, if it was looked at.
    pub(crate) fn image_of(&self, run: RunId, split: ImageSplit, number: u32) -> Option<&[u8]> {
        let wanted = ViewImage::Of { split, number };
        let mut known = self.known.iter().filter(|(request, _)| request.run == run);
        known.find_map(|(request, answer)| match (&request.view, &answer.as_ref().ok()?.seen) {
            (View::Maps { image }, Seen::Maps { image: seen, .. })
            | (View::Ask { image }, Seen::Ask { image: seen, .. })
                if *image == wanted =>
            {
                Some(seen.pixels.as_slice())
            }
            _ => None,
        })
    }

    /// Forgets a question that can be asked again.
    pub(crate) fn forget(&mut self, request: &ViewRequest) {
        self.known.retain(|(known, _)| known != request);
    }

    /// After the connection was lost: what failed may be asked again, and what was on its way is lost.
    pub(crate) fn reconnect(&mut self) {
        self.known.retain(|(_, answer)| answer.is_ok());
        self.asked.clear();
    }
}

/// What there is to see for a question.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    Current(&'a ViewAnswer),
    /// Of an earlier question; the answer is on its way.
    Earlier(&'a ViewAnswer),
    Fault(&'a str),
    /// The network has no checkpoint that is known, and why; nothing is asked.
    Absent(&'static str),
    Nothing,
}

impl<'a> Shown<'a> {
    pub fn answer(self) -> Option<&'a ViewAnswer> {
        match self {
            Self::Current(answer) | Self::Earlier(answer) => Some(answer),
            Self::Fault(_) | Self::Absent(_) | Self::Nothing => None,
        }
    }

    pub fn is_current(self) -> bool {
        matches!(self, Self::Current(_) | Self::Fault(_) | Self::Absent(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ArmId;

    fn request(epoch: u32, view: View) -> ViewRequest {
        let arm = "relu-tanh".parse::<ArmId>().ok();
        ViewRequest { run: RunId(1), arm, seed: Some(1), epoch: Some(epoch), changes: Vec::new(), view }
    }

    fn answer(epoch: u32) -> ViewAnswer {
        ViewAnswer {
            run: RunId(1),
            arm: "relu-tanh".parse().unwrap(),
            seed: 1,
            epoch,
            changes: Vec::new(),
            seen: Seen::Filters { layers: Vec::new() },
        }
    }

    #[test]
    fn a_key_that_is_held_down_asks_for_its_first_and_its_last_place_alone() {
        let mut answers = Answers::default();
        let sent: Vec<u64> = (1..=20)
            .flat_map(|epoch| answers.ask(vec![request(epoch, View::Filters)]))
            .map(|(number, _)| number)
            .collect();
        assert_eq!(sent, [1, 2]);
        for number in sent {
            answers.take(number, Ok(answer(number as u32))).unwrap();
        }
        let newest = request(20, View::Filters);
        assert!(matches!(answers.shown(&newest), Shown::Earlier(answer) if answer.epoch == 2));
        let sent = answers.ask(vec![newest.clone()]);
        assert_eq!(sent, [(3, newest.clone())]);
        assert_eq!(answers.ask(vec![newest.clone()]), []);
        answers.take(3, Ok(answer(20)));
        assert!(matches!(answers.shown(&newest), Shown::Current(answer) if answer.epoch == 20));
        // Of another kind nothing is known.
        let other = request(20, View::Confusion { split: ImageSplit::Test });
        assert!(matches!(answers.shown(&other), Shown::Nothing));
    }

    /// A lesson's cell never shows the answer to another question in place of its own.
    #[test]
    fn another_epoch_stands_in_and_another_question_does_not() {
        let mut answers = Answers::default();
        let confusion = |split| View::Confusion { split };
        answers.ask(vec![request(1, confusion(ImageSplit::Test))]);
        answers.take(1, Ok(answer(1)));
        let later = request(2, confusion(ImageSplit::Test));
        assert!(matches!(answers.shown_at_any_epoch(&later), Shown::Earlier(answer) if answer.epoch == 1));
        let other = request(1, confusion(ImageSplit::Validation));
        assert!(matches!(answers.shown_at_any_epoch(&other), Shown::Nothing));
        assert!(matches!(answers.shown(&other), Shown::Earlier(_)));
    }

    #[test]
    fn what_failed_is_asked_again_after_a_new_connection() {
        let mut answers = Answers::default();
        let asked = request(1, View::Filters);
        assert_eq!(answers.ask(vec![asked.clone()]).len(), 1);
        answers.take(1, Err("no kernel".into()));
        assert!(matches!(answers.shown(&asked), Shown::Fault("no kernel")));
        assert_eq!(answers.ask(vec![asked.clone()]), []);
        answers.reconnect();
        assert_eq!(answers.ask(vec![asked]).len(), 1);
    }

    #[test]
    fn what_failed_is_asked_again_once_the_reader_comes_back_to_it() {
        let mut answers = Answers::default();
        let [first, second] = [1, 2].map(|epoch| request(epoch, View::Filters));
        answers.ask(vec![first.clone(), second.clone()]);
        answers.take(1, Ok(answer(1)));
        answers.take(2, Err("it is damaged".into()));
        for _ in 0..3 {
            assert_eq!(answers.ask(vec![first.clone(), second.clone()]), [], "not while it is on the screen");
        }
        assert!(matches!(answers.shown(&second), Shown::Fault("it is damaged")));
        assert_eq!(answers.ask(vec![first.clone()]), []);
        assert_eq!(answers.ask(vec![second.clone()]), [(3, second)]);
        assert_eq!(answers.ask(vec![first]), [], "an answer is kept");
    }
}
