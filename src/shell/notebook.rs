//! The event loop: events in, `update`, effects out, and a frame when the queue is empty.

use super::backend::AnsiBackend;
use super::guard::{self, Guard};
use super::input::Interrupt;
use super::link::{Link, Order};
use super::out::Out;
use super::reader::Reader;
use super::theme::{Page, ThemeChoice};
use super::watch::Told;
use super::{drill, input, light, report, size, theme, watch};
use app::{App, Effect, Event, RestoreState, Tag, update};
use color_eyre::eyre::{Context, eyre};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{cursor, queue};
use lesson::Library;
use protocol::RunId;
use ratatui::Terminal;
use signal_hook::iterator::Signals;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use store::Home;
use ui::{self, Palette, Theme};

/// What reaches the loop beside the notebook's own events.
pub enum Incoming {
    Event(Event),
    /// The terminal has another size. Two threads hear of it, and each would have read it at another moment.
    Resized,
    /// SIGTSTP.
    Suspend,
    /// SIGCONT: whoever stopped the notebook may have used the terminal since.
    Continued,
    /// A thread panicked, by its name; the report is kept.
    Broken(&'static str),
}

/// How the notebook opens.
#[derive(Debug)]
pub struct Options {
    pub home: Home,
    pub library: Library,
    /// The lesson to open; otherwise the one left last.
    pub lesson: Option<usize>,
    /// The lesson's file, if it is one of the reader's own.
    pub watched: Option<Told>,
    pub theme: ThemeChoice,
    /// Writes a run's curves to a file, as the command line does.
    pub export: Export,
}

/// Writes a run's curves to a new file; says what went wrong.
pub type Export = fn(&Home, RunId, &Path) -> color_eyre::Result<()>;

/// Progress is drawn no more often than this, half a kilobyte a second over a slow line; keys are drawn at once.
const FRAME: Duration = Duration::from_millis(200);

/// How long the first frame waits for the place where the reader left off.
const ANSWER: Duration = Duration::from_millis(15);

/// A signal that comes with the one that continues a stopped notebook is heard within this time.
const HEARING: Duration = Duration::from_millis(200);

/// The answer to a question that was asked just before the end is waited for, or the shell would get it.
const LATE_ANSWER: Duration = Duration::from_millis(200);

type Screen = Terminal<AnsiBackend>;

/// Opens the notebook on this terminal and returns when the reader has left it.
pub fn run(options: Options) -> color_eyre::Result<()> {
    report::own_terminal(options.home.logs());
    let (columns, rows) = size::drawn().wrap_err("this terminal does not tell its size")?;
    // A first visit begins with the lesson that explains the notebook.
    let lesson = options.lesson.unwrap_or(0);
    let env = |name: &str| std::env::var(name).ok();
    let (theme, page) = (Theme::detect(env), Page::of(options.theme, env));
    let mut app = App::new(options.library, lesson, columns, rows)
        .with_glyphs(theme.glyphs)
        .with_background(page.background(), page.source())
        .with_reader(random_number());
    app.timings.cores = super::cores();
    let question = match (page, theme.palette) {
        (Page::Unknown, Palette::TrueColour | Palette::Indexed | Palette::Sixteen) => {
            theme::question(&env("TERM").unwrap_or_default())
        }
        _ => b"",
    };
    let signals = input::catch_signals().wrap_err("signals can't be caught")?;
    let guard = Guard::take().wrap_err("the terminal can't be taken over")?;
    let outcome = Notebook::open(app, theme, question, (options.home, options.export))
        .and_then(|notebook| notebook.serve(signals, options.lesson.is_some(), options.watched));
    drop(guard);
    match outcome {
        // Its size can't be asked, its settings can't be changed: a hang-up shows in many ways, and none is a fault.
        Err(error) if input::terminal_is_gone() => {
            tracing::info!("left a terminal that is gone: {error:#}");
            Ok(())
        }
        Err(error) => {
            report::keep(&format!("{error:?}"));
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

/// A number that is another one each time, from the keys by which the standard library seeds its hash maps.
fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A screen of which nothing is known to stand on it. (ratatui's own `clear` asks the terminal for its cursor, and one
/// that does not answer would hold the first frame for two seconds.)
fn blank(out: &Out) -> io::Result<Screen> {
    let mut out = out.clone();
    queue!(out, Clear(ClearType::All), cursor::Hide)?;
    Terminal::new(AnsiBackend(out))
}

struct Notebook {
    app: App,
    theme: Theme,
    /// By which the terminal is asked for its background; empty where it is known.
    question: &'static [u8],
    /// When it was asked last, until it answers.
    asked: Option<Instant>,
    interrupt: Interrupt,
    home: Home,
    screen: Screen,
    out: Out,
    events: Receiver<Incoming>,
    sender: Sender<Incoming>,
    link: Link,
    reader: Reader,
    export: Export,
}

impl Notebook {
    fn open(
        app: App,
        theme: Theme,
        question: &'static [u8],
        (home, export): (Home, Export),
    ) -> color_eyre::Result<Self> {
        let out = Out::default();
        let screen = blank(&out)?;
        let (sender, events) = mpsc::channel();
        let link = Link::start(home.clone(), sender.clone()).wrap_err("no thread for the kernel's line")?;
        let reader = Reader::start(home.clone(), sender.clone()).wrap_err("no thread to read the store")?;
        let interrupt = Interrupt::default();
        Ok(Self {
            app,
            theme,
            question,
            asked: None,
            interrupt,
            home,
            screen,
            out,
            events,
            sender,
            link,
            reader,
            export,
        })
    }

    fn serve(mut self, signals: Signals, lesson_chosen: bool, watched: Option<Told>) -> color_eyre::Result<()> {
        let later = self.open_place(!lesson_chosen)?;
        self.draw()?;
        drill::panic_if_asked("main");
        // Only now what may take a moment: the first frame waits for nothing.
        input::start(&self.sender, signals, &self.interrupt).wrap_err("no thread for the keyboard")?;
        self.ask_for_background()?;
        if let Some(watched) = watched {
            watch::start(&self.sender, watched).wrap_err("no thread to watch the lesson's file")?;
        }
        self.link.order(Order::GoOn);
        for effect in later {
            self.carry_out(effect)?;
        }
        let mut drawn = Instant::now();
        let mut stale = true;
        while !self.app.quit {
            let first = if stale {
                match self.events.recv_timeout(FRAME.saturating_sub(drawn.elapsed())) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return Err(eyre!("every thread of the notebook has ended")),
                }
            } else {
                Some(self.events.recv().map_err(|_| eyre!("every thread of the notebook has ended"))?)
            };
            let mut at_once = first.is_none();
            for event in first.into_iter().chain(std::iter::from_fn(|| self.events.try_recv().ok())).collect::<Vec<_>>()
            {
                at_once |= self.take(event)?;
                stale = true;
                if self.app.quit || self.interrupt.is_due() {
                    self.feed(Event::Shutdown)?;
                    break;
                }
            }
            // One that has been told to leave may not have the terminal any more.
            if stale && !self.app.quit && (at_once || drawn.elapsed() >= FRAME) {
                self.draw()?;
                drawn = Instant::now();
                stale = false;
            }
        }
        self.await_answer();
        self.link.close();
        Ok(())
    }

    /// The answer comes as an event; it may take as long as it likes, and need not come at all.
    fn ask_for_background(&mut self) -> io::Result<()> {
        if !self.question.is_empty() {
            self.out.write_all(self.question)?;
            self.out.send()?;
            self.asked = Some(Instant::now());
        }
        Ok(())
    }

    fn await_answer(&self) {
        let Some(deadline) = self.asked.map(|asked| asked + LATE_ANSWER) else { return };
        while let Ok(incoming) = self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if matches!(incoming, Incoming::Event(Event::Background(_) | Event::Shutdown) | Incoming::Broken(_)) {
                return;
            }
        }
    }

    /// Asks the store where the reader left off. It answers within a few milliseconds as a rule, and the first frame
    /// shows the place at once; a store that is slower finds the notebook open already. Returns what is to be done once
    /// the frame is drawn.
    fn open_place(&mut self, restore: bool) -> color_eyre::Result<Vec<Effect>> {
        let (reads, mut later): (Vec<Effect>, Vec<Effect>) = update(&mut self.app, Event::Opened { restore })
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Query(_)));
        for effect in reads {
            self.carry_out(effect)?;
        }
        let deadline = Instant::now() + ANSWER;
        while self.app.restore == RestoreState::WaitingForStore {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Incoming::Event(event)) => later.extend(update(&mut self.app, event)),
                Ok(incoming) => drop(self.take(incoming)?),
                Err(_) => break,
            }
        }
        Ok(later)
    }

    /// Handles one event; says whether its frame should not wait.
    fn take(&mut self, incoming: Incoming) -> color_eyre::Result<bool> {
        let event = match incoming {
            Incoming::Event(event) => event,
            Incoming::Resized => match size::drawn() {
                Ok((columns, rows)) => Event::Resize(columns, rows),
                // It is gone: whoever watches for that ends the notebook.
                Err(_) => return Ok(false),
            },
            Incoming::Suspend => {
                self.suspend()?;
                return Ok(true);
            }
            Incoming::Continued => {
                self.retake()?;
                return Ok(true);
            }
            Incoming::Broken(thread) => {
                let logs = self.home.logs().display().to_string();
                return Err(eyre!("the notebook's {thread} thread failed; its report is in {logs}"));
            }
        };
        if matches!(event, Event::Background(_)) {
            self.asked = None;
        }
        let at_once = !matches!(event, Event::Kernel(_));
        for effect in update(&mut self.app, event) {
            self.carry_out(effect)?;
        }
        Ok(at_once)
    }

    fn carry_out(&mut self, effect: Effect) -> color_eyre::Result<()> {
        match effect {
            Effect::Request(tag, body) => self.order(tag, body, true),
            Effect::RequestIfOn(tag, body) => self.order(tag, body, false),
            Effect::Query(what) => self.reader.wish(what),
            Effect::Export { run, path } => self.export(run, path)?,
            Effect::RestartKernel => self.link.order(Order::Restart),
            Effect::Highlight { lesson, code } => light::start(&self.sender, lesson, code)?,
            Effect::Suspend => self.suspend()?,
            Effect::Redraw => self.screen = blank(&self.out)?,
        }
        Ok(())
    }

    /// On a thread of its own: the store may be locked, and the file lie on a slow disk.
    fn export(&self, run: RunId, path: String) -> io::Result<()> {
        let (home, export, events) = (self.home.clone(), self.export, self.sender.clone());
        input::spawn("export", &self.sender, move || {
            let path = Path::new(&path);
            let told = match export(&home, run, path) {
                Ok(()) => {
                    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
                    format!("run {run} is written to {}", whole.display())
                }
                Err(error) => format!("run {run} is not exported: {error:#}"),
            };
            // Whoever has left wants no answer.
            let _ = events.send(Incoming::Event(Event::Notice(told)));
        })
    }

    fn feed(&mut self, event: Event) -> color_eyre::Result<()> {
        for effect in update(&mut self.app, event) {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn order(&self, tag: Tag, body: protocol::RequestBody, start: bool) {
        self.link.order(Order::Request { tag, body, start });
    }

    fn draw(&mut self) -> io::Result<()> {
        queue!(self.out, BeginSynchronizedUpdate)?;
        let (app, theme) = (&self.app, &self.theme);
        self.screen.draw(|frame| ui::draw(app, theme, frame))?;
        queue!(self.out, EndSynchronizedUpdate)?;
        self.out.send()
    }

    /// Gives the terminal back, stops as Ctrl-Z does, and takes it again once a shell continues it.
    fn suspend(&mut self) -> color_eyre::Result<()> {
        // The first process of a session has no shell above it that could: `tmux new relu`, `ssh -t lab relu`.
        if rustix::process::getsid(None)? == rustix::process::getpgrp() {
            return self.feed(Event::Notice("no shell here could bring the notebook back; q quits it".into()));
        }
        guard::restore();
        while !self.app.quit {
            rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
            if input::in_foreground() {
                return self.retake();
            }
            self.hear_why()?;
        }
        Ok(())
    }

    /// Whoever ends a stopped job continues it, in the background, to hear of it: there the terminal is the shell's, and
    /// touching it would stop the notebook again.
    fn hear_why(&mut self) -> color_eyre::Result<()> {
        loop {
            match self.events.recv_timeout(HEARING) {
                Ok(Incoming::Suspend | Incoming::Continued) => {}
                Ok(event) => {
                    self.take(event)?;
                }
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(eyre!("every thread of the notebook has ended")),
            }
            if self.app.quit {
                return Ok(());
            }
        }
    }

    /// Takes the terminal as if for the first time, whatever was done to it meanwhile, and draws everything anew.
    fn retake(&mut self) -> color_eyre::Result<()> {
        guard::restore();
        // The guard that `run` holds gives it back.
        std::mem::forget(Guard::take()?);
        let (columns, rows) = size::drawn()?;
        update(&mut self.app, Event::Resize(columns, rows));
        self.screen = blank(&self.out)?;
        // It may be another terminal's by now.
        self.ask_for_background()?;
        Ok(())
    }
}
