//! Opens the notebook, or prints a lesson where there is no terminal for it.

use super::stored_run::read_run;
use super::{Outcome, Usage, complain, export, say};
use app::ImageChoice;
use color_eyre::eyre::bail;
use lesson::{self, Fault, Glyphs, Library, Line, Sealed, Span, lay_out};
use protocol::{RunId, Study, escape_line};
use shell::{self, ThemeChoice};
use std::fmt::Display;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use store::Home;

/// How the notebook looks.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Appearance {
    /// Colours for a light or a dark background: light, dark, or auto, which asks the terminal; `RELU_THEME` says the
    /// same
    #[arg(long, value_name = "light|dark|auto")]
    theme: Option<ThemeChoice>,
    /// How images are shown: kitty, iterm, sixel, blocks for half blocks, or auto, which asks the terminal; `RELU_IMAGES`
    /// says the same
    #[arg(long, value_name = "HOW")]
    images: Option<ImageChoice>,
}

impl Appearance {
    pub fn or(self, other: Self) -> Self {
        Self { theme: self.theme.or(other.theme), images: self.images.or(other.images) }
    }

    fn theme_choice(self) -> color_eyre::Result<ThemeChoice> {
        choice(self.theme, "RELU_THEME")
    }

    fn image_choice(self) -> color_eyre::Result<ImageChoice> {
        choice(self.images, "RELU_IMAGES")
    }
}

/// What was chosen by an option, or else by a variable of the environment.
fn choice<T>(option: Option<T>, variable: &str) -> color_eyre::Result<T>
where
    T: FromStr<Err: Display> + Default,
{
    match (option, std::env::var(variable)) {
        (Some(chosen), _) => Ok(chosen),
        (None, Ok(text)) if !text.is_empty() => {
            text.parse().map_err(|error| Usage(format!("{variable}: {error}")).into())
        }
        (None, _) => Ok(T::default()),
    }
}

pub fn notebook(what: Option<&str>, appearance: Appearance) -> Outcome {
    let mut library = Library::english();
    let mut watched = None;
    let lesson = match what {
        None => None,
        Some(file) if Path::new(file).extension().is_some_and(|e| e == "md") => {
            let parsed = shell::read_lesson(file)?;
            let faults = lesson::check(std::slice::from_ref(&parsed), &library.lessons);
            if !parsed.1.is_empty() {
                bail!(list_faults(file, &faults));
            }
            // The lesson is shown together with its faults.
            library.faults = faults;
            watched = Some(shell::WatchedLesson::of(&parsed));
            Some(library.put(parsed.0))
        }
        Some(id) => {
            if let Some(lesson) = library.named(id) {
                Some(lesson)
            } else {
                let known: Vec<String> = library
                    .lessons
                    .iter()
                    .map(|lesson| match lesson.number {
                        Some(number) => format!("{number} {}", lesson.meta.id),
                        None => lesson.meta.id.clone(),
                    })
                    .collect();
                bail!("there is no lesson `{id}`; there are {}, or give a file that ends in .md", known.join(", "));
            }
        }
    };
    if lacks_terminal() {
        if let Some(file) = what.filter(|_| !library.faults.is_empty()) {
            complain(&list_faults(file, &library.faults));
        }
        return print_lesson(&library, lesson.unwrap_or(0));
    }
    let (theme, images) = (appearance.theme_choice()?, appearance.image_choice()?);
    let home = Home::locate()?;
    shell::run(shell::Options {
        home,
        library,
        lesson,
        over: None,
        watched,
        theme,
        images,
        export: export::to_new_file,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the notebook in the laboratory, over the lesson that was read last, with these runs beside each other.
pub fn laboratory(text: Option<&str>, runs: Vec<RunId>, appearance: Appearance) -> Outcome {
    let study = text.map(|text| text.parse::<Study>().map(Box::new)).transpose();
    let mut study = study.map_err(|error| Usage(error.to_string()))?;
    if let Some(run) = runs.iter().enumerate().find_map(|(at, run)| runs[..at].contains(run).then_some(run)) {
        return Err(Usage(format!("--compare names run {run} twice; name each run once")).into());
    }
    if lacks_terminal() {
        bail!("the laboratory needs a terminal that can show it; `relu train 'TEXT'` runs a study without one");
    }
    let (theme, images) = (appearance.theme_choice()?, appearance.image_choice()?);
    let home = Home::locate()?;
    for run in &runs {
        let (_, summary) = read_run(&home, *run)?;
        // Without a study of its own the table has the first run's.
        study.get_or_insert_with(|| Box::new(summary.spec));
    }
    shell::run(shell::Options {
        home,
        library: Library::english(),
        lesson: None,
        over: Some(shell::Opening::Lab { study, runs }),
        watched: None,
        theme,
        images,
        export: export::to_new_file,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the notebook inside the networks of a run, over the lesson that was read last.
pub fn inside(run: RunId, appearance: Appearance) -> Outcome {
    if lacks_terminal() {
        bail!("the inside of networks needs a terminal that can show it; `relu view {run} KIND` prints what is there");
    }
    let (theme, images) = (appearance.theme_choice()?, appearance.image_choice()?);
    let home = Home::locate()?;
    read_run(&home, run)?;
    shell::run(shell::Options {
        home,
        library: Library::english(),
        lesson: None,
        over: Some(shell::Opening::Inside(run)),
        watched: None,
        theme,
        images,
        export: export::to_new_file,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The faults of a lesson's file, as `relu check` lists them.
fn list_faults(file: &str, faults: &[Fault]) -> String {
    let lines = faults.iter().map(|fault| format!("\n{}", escape_line(&fault.to_string())));
    format!("{file} has faults:{}", lines.collect::<String>())
}

/// Whether there is no terminal that can show the notebook.
fn lacks_terminal() -> bool {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    dumb || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal()
}

/// Prints the lesson as plain text: cells as their ids, pictures as their captions, sealed blocks folded.
fn print_lesson(library: &Library, lesson: usize) -> Outcome {
    let document = &library.lessons[lesson];
    let glyphs = Glyphs::detect(|name| std::env::var(name).ok());
    let folded = |sealed: &Sealed, columns: usize| Some(sealed.folded_line(document, columns, None));
    let layout = lay_out(document, (78, 24), glyphs, |_| 1, folded);
    let cells = document.cells();
    let text = |spans: &[Span]| spans.iter().map(|span| span.text.as_str()).collect::<String>();
    for line in &layout.lines {
        match line {
            Line::Text(spans) => say(text(spans).trim_end())?,
            Line::Picture { before, row: 0, .. } => say(&format!("{}[image]", text(before)))?,
            Line::Picture { .. } => {}
            Line::Cell { cell, .. } => say(&format!("  [cell {}]", cells[*cell].id))?,
        }
    }
    say("")?;
    if !document.sealed().is_empty() {
        say("(What gives a result away is folded here; the notebook shows it once its cell has run.)")?;
    }
    say("(This is no terminal that can show the notebook; `relu train --help` tells how to train from a script.)")?;
    Ok(ExitCode::SUCCESS)
}
