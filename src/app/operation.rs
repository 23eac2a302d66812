//! Decides what a key does in the present state. A key press carries the operation out and the status line names it, so
//! the two can't differ.
//!
//! Two rules hold for every operation on a cell. No key undoes what its last press did: Enter starts, continues and
//! resumes, `z` pauses, `s` stops. And nothing is started, stopped, answered or turned while it is off the screen: the
//! first press scrolls to it and says what the next one does.

use crate::chart::NOT_MEASURED;
use crate::lesson::answers::SETTLED;
use crate::lesson::folding::UNFOLD;
use crate::lesson::navigate::OpenAt;
use crate::lesson::questions::{choice_rows, question_rows};
use crate::modal::AnswerKind;
use crate::{Action, AnswerEntry, App, ClaimFilter, Effect, Modal, Pane, Tag, ViewCellState, Work};
use lesson::{Answer, Cell, CellBody, Guess, PredictCell, QuizCell, QuizKind, Target};
use protocol::{CellKey, Effort, RequestBody, RunId, RunState, Study, format_estimate};
use std::borrow::Cow;
use std::ops::Range;

/// What a key press would do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Scrolls to the rows of a cell that the key acts on. The next press carries out `then`.
    Reveal {
        cell: usize,
        rows: Range<u16>,
        then: Box<Operation>,
    },
    /// Focuses the next cell, as no cell has the focus.
    FocusNextCell,
    Follow(Target),
    /// Shows a sealed block before its cells have run, given by its first cell and its number.
    Unfold {
        cell: String,
        number: usize,
    },
    Start(Work),
    /// Asks for a confirmation before long work.
    AskToStart(Work),
    Continue(RunId),
    Resume(RunId),
    Pause(RunId),
    StopRun(RunId),
    StopMeasurement(CellKey),
    /// Opens the settings of the next run.
    EditSettings {
        cell: CellKey,
        spec: Box<Study>,
    },
    ChooseEffort(CellKey, Effort),
    /// Opens the laboratory on a race's study.
    OpenLab(CellKey),
    Steer(CellKey),
    /// Shows the claims of one verdict, or all.
    ShowClaims(ClaimFilter),
    /// Opens the cell that measures a claim.
    OpenMeasurement {
        lesson: String,
        cell: String,
    },
    /// Opens the cell that trains the networks of a view.
    OpenTraining {
        lesson: String,
        cell: String,
    },
    /// Opens the inside of a run at what a view cell shows.
    OpenView(CellKey),
    /// Opens the input of an answer that is typed.
    TypeAnswer {
        cell: CellKey,
        kind: AnswerKind,
    },
    /// Shows a prediction's explanation before its outcome is known.
    OpenExplanation(CellKey),
    /// Opens the first prediction without an answer, or the cell that decides one.
    OpenPrediction {
        lesson: String,
        cell: String,
    },
    Answer(CellKey, Answer),
    /// Removes the last item of an order.
    TakeBack(CellKey),
    /// Turns the focused experiment to a page, counted from 0.
    TurnPage(usize),
    ReadValues,
    /// Opens the lesson at this index.
    TurnLesson(usize),
    /// Does nothing; the text says why.
    Nothing(Cow<'static, str>),
}

/// Why Enter does nothing on a run that trains or waits.
pub(crate) fn while_active(state: &RunState) -> &'static str {
    if *state == RunState::Queued {
        "it waits for a free core; z pauses it, s stops it"
    } else {
        "it is training; z pauses it, s stops it"
    }
}

fn nothing(why: impl Into<Cow<'static, str>>) -> Operation {
    Operation::Nothing(why.into())
}

impl Operation {
    /// One or two words for the status line; `None` for an operation that does nothing.
    pub fn label(&self, app: &App) -> Option<String> {
        let timed = |word: &str, work: &Work| format!("{word}, {}", format_estimate(app.estimate_of(work).seconds));
        Some(match self {
            Self::Reveal { .. } => "show all of it".into(),
            Self::FocusNextCell => "next cell".into(),
            Self::Follow(Target::Lesson { id, .. }) => {
                let lesson = app.library.find(id).map(|at| &app.library.lessons[at]);
                match lesson.and_then(|lesson| lesson.number) {
                    Some(number) => format!("to lesson {number}"),
                    None => "to the lesson".into(),
                }
            }
            Self::Follow(Target::Web(_)) => "show the address".into(),
            Self::Follow(_) => "follow".into(),
            Self::ShowClaims(ClaimFilter::Only(verdict)) => format!("only \"{}\"", verdict.words()),
            Self::ShowClaims(ClaimFilter::All) => "all claims".into(),
            Self::Unfold { .. } => "read it now".into(),
            Self::Start(work) => timed(app.start_word(work), work),
            Self::AskToStart(work) => timed(&format!("{}…", app.start_word(work)), work),
            Self::Continue(run) => app.with_time_left("continue", *run),
            Self::Resume(run) => app.with_time_left("resume", *run),
            Self::Pause(_) => "pause".into(),
            Self::StopRun(_) | Self::StopMeasurement(_) => "stop".into(),
            Self::EditSettings { .. } => "settings of a new run".into(),
            Self::ChooseEffort(_, effort) => effort.name().into(),
            Self::OpenLab(_) => "laboratory".into(),
            Self::Steer(_) => "steer".into(),
            Self::OpenMeasurement { .. } => "to its measurement".into(),
            Self::OpenTraining { .. } => "to the race".into(),
            Self::OpenView(_) => "look inside".into(),
            Self::TypeAnswer { kind: AnswerKind::Number, .. } => "type a number".into(),
            Self::TypeAnswer { kind: AnswerKind::Words, .. } => "type your answer".into(),
            Self::OpenExplanation(_) => "explanation".into(),
            Self::OpenPrediction { .. } => "to the next prediction".into(),
            Self::Answer(_, Answer::Order(_)) => "next in the order".into(),
            Self::Answer(..) => "answer".into(),
            Self::TakeBack(_) => "take back".into(),
            Self::TurnPage(_) => "page".into(),
            Self::ReadValues => "values".into(),
            Self::TurnLesson(_) => "lesson".into(),
            Self::Nothing(_) => return None,
        })
    }
}

/// The name of an action's key, for the status line and messages.
fn key_name(action: Action) -> Cow<'static, str> {
    match action {
        Action::Activate => "Enter".into(),
        Action::Unfold => UNFOLD.to_string().into(),
        Action::Pause => "z".into(),
        Action::Stop => "s".into(),
        Action::Effort => "e".into(),
        Action::Left => "←".into(),
        Action::Right => "→".into(),
        Action::PreviousPage => "[".into(),
        Action::NextPage => "]".into(),
        Action::Undo => "Backspace".into(),
        Action::Choose(number) => number.to_string().into(),
        _ => "it".into(),
    }
}

impl App {
    /// The word for continuing a run, and how long the rest takes: at the run's own pace, or as long as a whole run if
    /// it has none yet.
    fn with_time_left(&self, word: &str, run: RunId) -> String {
        let Some(training) = self.training_runs.get(&run) else { return word.into() };
        let left = training.remaining_seconds().unwrap_or_else(|| self.training_estimate(&training.spec).seconds);
        format!("{word}, {}", format_estimate(left))
    }

    fn start_operation(&self, work: Work) -> Operation {
        if self.is_long(&work) { Operation::AskToStart(work) } else { Operation::Start(work) }
    }

    fn start_word(&self, work: &Work) -> &'static str {
        match work {
            Work::Training(..) => "start",
            Work::Lab(_) | Work::Sweep(..) => "run",
            Work::Experiment(key, _) if self.experiments.get(key).is_some_and(|view| view.outcome.is_some()) => {
                "measure again"
            }
            Work::Experiment(..) => "measure",
        }
    }

    /// What a key of the lesson does now. Actions that are the same in every state, such as scrolling, are not decided
    /// here.
    pub fn operation(&self, action: Action) -> Operation {
        let intended = self.intended(action);
        match self.rows_acted_on(action, &intended) {
            Some((cell, rows)) if !self.view.shows(cell, &rows) => {
                Operation::Reveal { cell, rows, then: Box::new(intended) }
            }
            _ => intended,
        }
    }

    /// The rows of the focused cell that must be on the screen before the operation is carried out.
    fn rows_acted_on(&self, action: Action, operation: &Operation) -> Option<(usize, Range<u16>)> {
        let number = self.view.focus?;
        let &(_, height) = self.view.layout.cells.get(number)?;
        match operation {
            Operation::Start(_)
            | Operation::AskToStart(_)
            | Operation::Continue(_)
            | Operation::Resume(_)
            | Operation::Pause(_)
            | Operation::StopRun(_)
            | Operation::StopMeasurement(_)
            | Operation::ChooseEffort(..)
            | Operation::Steer(_)
            | Operation::OpenMeasurement { .. }
            | Operation::TurnPage(_) => Some((number, 0..height)),
            Operation::Answer(key, _) | Operation::TakeBack(key) | Operation::TypeAnswer { cell: key, .. } => {
                let cell = self.focused()?;
                let lines = self.question_lines(key, &cell.body, self.screen.text.width)?;
                let whole = question_rows(&lines);
                // On a screen that can't show all of the question, the choice itself is enough.
                let rows = match action {
                    Action::Choose(choice) if usize::from(whole.end) > self.view.height => {
                        choice_rows(&lines, usize::from(choice) - 1)?
                    }
                    _ => whole,
                };
                Some((number, rows))
            }
            Operation::Reveal { .. }
            | Operation::FocusNextCell
            | Operation::Follow(_)
            | Operation::Unfold { .. }
            | Operation::ShowClaims(_)
            // These bring what they act on into view themselves.
            | Operation::OpenExplanation(_)
            | Operation::OpenPrediction { .. }
            | Operation::EditSettings { .. }
            | Operation::OpenLab(_)
            | Operation::OpenTraining { .. }
            | Operation::OpenView(_)
            | Operation::ReadValues
            | Operation::TurnLesson(_)
            | Operation::Nothing(_) => None,
        }
    }

    fn intended(&self, action: Action) -> Operation {
        match action {
            Action::Activate => self.enter_operation(),
            Action::Verdicts => match self.next_claim_filter() {
                Some(shown) => Operation::ShowClaims(shown),
                None => nothing("there are no verdicts here; t is for the ledger"),
            },
            Action::Pause => self.pause_operation(),
            Action::Stop => self.stop_operation(),
            Action::Choose(number) => self.digit_operation(usize::from(number)),
            Action::Undo => self.undo_operation(),
            Action::Unfold => self.unfold_operation(),
            Action::Left | Action::Right => self.arrow_operation(if action == Action::Left { -1 } else { 1 }),
            Action::NextPage | Action::PreviousPage => {
                let by = if action == Action::NextPage { 1 } else { -1 };
                self.page_operation(by)
                    .unwrap_or_else(|| nothing("there are no pages here; [ and ] turn those of an experiment"))
            }
            Action::NextLesson => self.lesson_operation(1),
            Action::PreviousLesson => self.lesson_operation(-1),
            Action::Values => match self.readable_pane() {
                Some(_) => Operation::ReadValues,
                None if self.focused_training().is_some() => nothing(NOT_MEASURED),
                None => nothing("there is no curve to read here; v reads values in a plot"),
            },
            Action::Settings => match self.focused_study() {
                Some((cell, spec)) => Operation::EditSettings { cell, spec: Box::new(spec) },
                None => nothing("settings belong to a race; Tab and Shift-Tab go from cell to cell"),
            },
            Action::Effort => self.effort_operation(),
            _ => nothing(""),
        }
    }

    fn enter_operation(&self) -> Operation {
        if let Some(target) = self.view.chosen_target() {
            return match target {
                Target::Sealed { cell, number } => Operation::Unfold { cell: cell.clone(), number: *number },
                target => Operation::Follow(target.clone()),
            };
        }
        let Some(cell) = self.focused() else {
            return if self.view.next_cell(true).is_some() {
                Operation::FocusNextCell
            } else {
                nothing("no cell follows in this lesson; Shift-Tab goes to the one above")
            };
        };
        let key = self.key_of(cell);
        match &cell.body {
            CellBody::Train(train) => self.enter_training_operation(key, train.spec()),
            CellBody::Experiment(experiment) => {
                if self.is_measuring(cell) {
                    nothing("it is being measured; s stops it")
                } else if self.can_steer(&key) {
                    Operation::Steer(key)
                } else {
                    let spec = self.requested_spec(&key, experiment);
                    self.start_operation(Work::Experiment(key, spec))
                }
            }
            CellBody::Claim(claim) => {
                Operation::OpenMeasurement { lesson: claim.lesson.clone(), cell: claim.cell.clone() }
            }
            CellBody::Predict(predict) if self.is_settled(&key, predict) => nothing(SETTLED),
            CellBody::Predict(PredictCell { guess: Guess::Number(_), .. })
            | CellBody::Quiz(QuizCell { kind: QuizKind::Number { .. }, .. }) => {
                Operation::TypeAnswer { cell: key, kind: AnswerKind::Number }
            }
            CellBody::Quiz(QuizCell { kind: QuizKind::Short { .. }, .. }) => {
                Operation::TypeAnswer { cell: key, kind: AnswerKind::Words }
            }
            CellBody::Predict(_) | CellBody::Quiz(_) => nothing("press the number of your answer"),
            CellBody::Predictions(_) => match self.next_prediction() {
                Some(CellKey { lesson, cell }) => Operation::OpenPrediction { lesson, cell },
                None => nothing("no prediction waits: all are answered and decided"),
            },
            CellBody::View(view) => match self.view_cell_state(&key, view) {
                ViewCellState::Run(..) => Operation::OpenView(key),
                ViewCellState::Nothing(_) => {
                    let CellKey { lesson, cell } = view.train_key(&key.lesson);
                    Operation::OpenTraining { lesson, cell }
                }
            },
        }
    }

    fn enter_training_operation(&self, key: CellKey, spec: Study) -> Operation {
        if matches!(self.starting.get(&key), Some(Ok(_))) {
            return nothing("it is starting");
        }
        let Some(training) = self.training_of(&key) else {
            // A draft of the settings takes precedence over the lesson's.
            return if self.drafts.contains_key(&key) {
                Operation::EditSettings { cell: key, spec: Box::new(spec) }
            } else {
                self.start_operation(Work::Training(key, spec))
            };
        };
        match &training.state {
            _ if training.resuming => nothing("it is about to go on"),
            RunState::Queued | RunState::Running => nothing(while_active(&training.state)),
            RunState::Paused => Operation::Continue(training.run),
            _ if training.can_resume() => Operation::Resume(training.run),
            _ => Operation::EditSettings { cell: key, spec: Box::new(training.spec.clone()) },
        }
    }

    fn pause_operation(&self) -> Operation {
        match self.focused_training() {
            Some(training) if training.state == RunState::Paused => nothing("it is paused; Enter continues it"),
            Some(training) if training.state.is_active() => Operation::Pause(training.run),
            _ if self.focused().is_some_and(|cell| self.is_measuring(cell)) => {
                nothing("an experiment can't be paused; s stops it")
            }
            _ => nothing("no race trains here"),
        }
    }

    fn stop_operation(&self) -> Operation {
        let Some(cell) = self.focused() else {
            return nothing("no cell is in focus; Tab goes to the next one, r lists the runs");
        };
        match self.focused_training() {
            Some(training) if training.state.is_active() => Operation::StopRun(training.run),
            _ if self.is_measuring(cell) => Operation::StopMeasurement(self.key_of(cell)),
            _ => nothing("nothing runs here"),
        }
    }

    fn digit_operation(&self, number: usize) -> Operation {
        let Some(cell) = self.focused() else {
            return nothing("no question is in focus; Tab goes to the next cell");
        };
        let key = self.key_of(cell);
        let choice = number - 1;
        let fewer = |count: usize| nothing(format!("there are {count} answers: 1 to {count}"));
        match &cell.body {
            CellBody::Quiz(QuizCell { kind: QuizKind::Choices(choices), .. }) if choice >= choices.len() => {
                fewer(choices.len())
            }
            CellBody::Quiz(quiz) => match self.shuffled(&key, quiz).choices().get(choice) {
                Some(chosen) => Operation::Answer(key, Answer::Choice(chosen.text.clone())),
                None => nothing("Enter asks for your answer"),
            },
            CellBody::Predict(predict) if self.is_settled(&key, predict) => nothing(SETTLED),
            CellBody::Predict(PredictCell { guess: Guess::Choice(options) | Guess::Order(options), .. })
                if choice >= options.len() =>
            {
                fewer(options.len())
            }
            CellBody::Predict(PredictCell { guess: Guess::Choice(options), .. }) => {
                Operation::Answer(key, Answer::Choice(options[choice].clone()))
            }
            CellBody::Predict(PredictCell { guess: Guess::Order(options), .. }) => {
                let mut order = match self.answers.get(&key).map(|record| &record.answer) {
                    Some(Answer::Order(order)) => order.clone(),
                    _ => Vec::new(),
                };
                // An earlier version of the lesson may have had other items to put in order.
                order.retain(|thing| options.contains(thing));
                if order.len() >= options.len() {
                    nothing("your order is whole; Backspace takes back its last")
                } else if order.contains(&options[choice]) {
                    nothing(format!("{number} has its place already; Backspace takes back the last"))
                } else {
                    order.push(options[choice].clone());
                    Operation::Answer(key, Answer::Order(order))
                }
            }
            CellBody::Predict(PredictCell { guess: Guess::Number(_), .. }) => nothing("Enter asks for your number"),
            CellBody::Experiment(_) => match self.pages_in_view() {
                Some((_, count, _)) if choice < count && count > 1 => Operation::TurnPage(choice),
                Some((_, count, _)) if count > 1 => nothing(format!("there are {count} pages")),
                Some(_) => nothing("there is one page"),
                None => nothing("there is nothing to turn to yet"),
            },
            CellBody::Train(_) | CellBody::Claim(_) | CellBody::Predictions(_) | CellBody::View(_) => {
                nothing("numbers answer questions and turn pages")
            }
        }
    }

    fn undo_operation(&self) -> Operation {
        const NONE: &str = "there is no order here to take back from";
        let Some(cell) = self.focused() else { return nothing(NONE) };
        let key = self.key_of(cell);
        match (&cell.body, self.answers.get(&key).map(|record| &record.answer)) {
            (CellBody::Predict(predict), Some(Answer::Order(_))) if self.is_settled(&key, predict) => nothing(SETTLED),
            (CellBody::Predict(_), Some(Answer::Order(_))) => Operation::TakeBack(key),
            _ => nothing(NONE),
        }
    }

    fn unfold_operation(&self) -> Operation {
        let explanation = || match self.focused() {
            Some(cell) if !matches!(self.view.chosen_target(), Some(Target::Sealed { .. })) => {
                let key = self.key_of(cell);
                let CellBody::Predict(predict) = &cell.body else { return None };
                self.has_hidden_explanation(&key, predict).then_some(key)
            }
            _ => None,
        };
        match (explanation(), self.folded_in_view()) {
            (Some(key), _) => Operation::OpenExplanation(key),
            (None, Some((cell, number))) => Operation::Unfold { cell, number },
            (None, None) if self.is_unanswered() => nothing("answer first; u then shows the explanation"),
            (None, None) => nothing("nothing in view waits to be read"),
        }
    }

    /// Whether the focused cell is a prediction without an answer.
    fn is_unanswered(&self) -> bool {
        self.focused().is_some_and(|cell| match &cell.body {
            CellBody::Predict(predict) => self.prediction(&self.key_of(cell), predict).is_none(),
            _ => false,
        })
    }

    /// Whether the prediction is answered and its explanation is still hidden.
    fn has_hidden_explanation(&self, key: &CellKey, predict: &PredictCell) -> bool {
        let is_open = self.answers.get(key).is_some_and(|record| record.opened);
        !is_open
            && self.prediction(key, predict).is_some()
            && predict.decides.is_some()
            && !self.is_settled(key, predict)
    }

    /// Left and right turn the pages of the focused figure, else read its values, else turn lessons.
    fn arrow_operation(&self, by: isize) -> Operation {
        if let Some(page) = self.page_operation(by) {
            return page;
        }
        if self.readable_pane().is_some() {
            return Operation::ReadValues;
        }
        if self.focused_training().is_some() {
            return nothing(NOT_MEASURED);
        }
        if self.pages_in_view().is_some() {
            return nothing("this figure has one page; n and p turn lessons");
        }
        self.lesson_operation(by)
    }

    /// Turns the focused experiment by so many pages; `None` if it has fewer than two.
    fn page_operation(&self, by: isize) -> Option<Operation> {
        let (_, count, at) = self.pages_in_view().filter(|(_, count, _)| *count > 1)?;
        Some(match at.checked_add_signed(by).filter(|page| *page < count) {
            Some(page) => Operation::TurnPage(page),
            None if by > 0 => nothing("this is the last page; n turns to the next lesson"),
            None => nothing("this is the first page; p turns to the lesson before"),
        })
    }

    fn lesson_operation(&self, by: isize) -> Operation {
        match self.lesson.checked_add_signed(by).filter(|lesson| *lesson < self.library.lessons.len()) {
            Some(lesson) => Operation::TurnLesson(lesson),
            None if by > 0 => nothing("this is the last lesson"),
            None => nothing("this is the first lesson"),
        }
    }

    /// The focused cell's pane, if it has values to read.
    fn readable_pane(&self) -> Option<Pane> {
        let pane = Pane::Cell(self.key_of(self.focused()?));
        self.can_read(&pane).then_some(pane)
    }

    fn effort_operation(&self) -> Operation {
        if let Some((key, _)) = self.focused_study() {
            return Operation::OpenLab(key);
        }
        let Some((key, wanted)) = self.focused_experiment() else {
            return nothing("e is for an experiment or a race; Tab goes to the next cell, E to the laboratory");
        };
        if self.focused().is_some_and(|cell| self.is_measuring(cell)) {
            nothing("it is being measured; s stops it")
        } else if wanted.has_full() {
            Operation::ChooseEffort(key, wanted.effort.other())
        } else {
            nothing(format!("this experiment has one setting alone; it takes {}", self.experiment_estimate(&wanted)))
        }
    }

    /// Carries out what the key does now.
    pub(crate) fn operate(&mut self, action: Action) -> Vec<Effect> {
        let operation = self.operation(action);
        self.perform(action, operation)
    }

    fn perform(&mut self, action: Action, operation: Operation) -> Vec<Effect> {
        match operation {
            Operation::Reveal { cell, rows, then } => {
                self.view.show_rows(cell, &rows);
                let next = then.label(self).unwrap_or_default();
                self.message = Some(format!("Not all of it was in view. {} again: {next}", key_name(action)));
                self.save_position()
            }
            Operation::FocusNextCell => {
                self.view.step_cell(true);
                self.save_position()
            }
            Operation::Follow(target) => self.follow(&target),
            Operation::ShowClaims(shown) => self.filter_claims(shown),
            Operation::Unfold { cell, number } => self.unfold(&cell, number),
            Operation::Start(work) => self.start(work),
            Operation::AskToStart(work) => {
                self.modals.push(Modal::Confirm(work));
                Vec::new()
            }
            Operation::Continue(run) | Operation::Resume(run) => self.resume_run(run),
            Operation::Pause(run) => vec![Effect::Request(Tag::Run(run), RequestBody::Pause { run })],
            Operation::StopRun(run) => vec![Effect::Request(Tag::Run(run), RequestBody::Stop { run })],
            Operation::StopMeasurement(cell) => {
                vec![Effect::Request(Tag::Cell(cell.clone()), RequestBody::StopCell { cell })]
            }
            Operation::EditSettings { cell, spec } => {
                self.open_settings(cell, &spec);
                Vec::new()
            }
            Operation::ChooseEffort(cell, effort) => {
                self.choose_effort(cell, effort);
                Vec::new()
            }
            Operation::OpenLab(cell) => self.open_lab(Some(cell)),
            Operation::Steer(cell) => {
                self.modals.push(Modal::Steer(cell));
                Vec::new()
            }
            Operation::OpenMeasurement { lesson, cell }
            | Operation::OpenPrediction { lesson, cell }
            | Operation::OpenTraining { lesson, cell } => self.follow_to_cell(&lesson, &cell),
            Operation::OpenView(cell) => self.open_view(&cell),
            Operation::TypeAnswer { cell, kind } => {
                self.modals.push(Modal::AnswerEntry(AnswerEntry { cell, kind, text: String::new() }));
                Vec::new()
            }
            Operation::OpenExplanation(cell) => self.open_explanation(cell),
            Operation::Answer(cell, answer) => self.save_answer(cell, answer),
            Operation::TakeBack(cell) => self.undo_order(&cell),
            Operation::TurnPage(page) => {
                self.turn_to(page);
                Vec::new()
            }
            Operation::ReadValues => {
                self.read_values(None);
                Vec::new()
            }
            Operation::TurnLesson(lesson) => self.open_lesson(lesson, OpenAt::SavedPosition),
            Operation::Nothing(why) => {
                self.message = Some(why.into_owned()).filter(|why| !why.is_empty());
                Vec::new()
            }
        }
    }

    pub(crate) fn start(&mut self, work: Work) -> Vec<Effect> {
        match work {
            Work::Training(key, spec) => self.start_training(key, spec),
            Work::Lab(study) => self.start_lab(study),
            Work::Sweep(study, sweep) => self.begin_sweep(study, sweep),
            Work::Experiment(key, spec) => self.start_experiment(key, spec),
        }
    }

    /// The keys that do something now, each with its effect, the most important first.
    pub fn hints(&self) -> Vec<String> {
        let hint =
            |keys: &str, action: Action| self.operation(action).label(self).map(|label| format!("{keys} {label}"));
        let enter = hint("Enter", Action::Activate);
        if self.view.chosen_link().is_some() {
            return enter.into_iter().chain(["f next link".to_string(), "Esc back".to_string()]).collect();
        }
        let does_something = |action: &Action| !matches!(self.operation(*action), Operation::Nothing(_));
        let count = self.focused().and_then(choices);
        let digits = count.and_then(|count| {
            let mut numbers = (1..=count).map(|number| Action::Choose(number as u8));
            hint(&format!("1-{count}"), numbers.find(does_something)?)
        });
        let undo = count.and_then(|_| hint("Backspace", Action::Undo));
        let unfold = hint(&UNFOLD.to_string(), Action::Unfold);
        let arrows = [Action::Right, Action::Left].into_iter().find(does_something);
        let settings = match self.operation(Action::Activate) {
            Operation::EditSettings { .. } => None,
            _ => self.focused_study().map(|_| "o settings".to_string()),
        };
        let other =
            self.focused().and_then(|cell| self.other_run(&self.key_of(cell))).map(|_| "x other run".to_string());
        let contents = self.view.focus.is_none().then(|| "c contents".to_string());
        [
            enter,
            digits,
            undo,
            hint("z", Action::Pause),
            hint("s", Action::Stop),
            other,
            arrows.and_then(|arrow| hint("← →", arrow)),
            hint("e", Action::Effort),
            hint("t", Action::Verdicts),
            settings,
            unfold,
            (self.view.percent() < 100).then(|| "Space page".to_string()),
            contents,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The focused train cell with the study that it has trained, or would train.
    pub(crate) fn focused_study(&self) -> Option<(CellKey, Study)> {
        let key = self.key_of(self.focused()?);
        let spec = self.study_of(&key)?;
        Some((key, spec))
    }
}

/// How many number keys answer a question.
fn choices(cell: &Cell) -> Option<usize> {
    match &cell.body {
        CellBody::Quiz(quiz) => Some(quiz.choices().len()).filter(|count| *count > 0),
        CellBody::Predict(PredictCell { guess: Guess::Choice(options) | Guess::Order(options), .. }) => {
            Some(options.len())
        }
        _ => None,
    }
}
