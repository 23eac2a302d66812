//! The event loop: takes events, calls `update`, carries out its effects, and draws a frame when the queue is empty.

use super::backend::AnsiBackend;
use super::background::{InitialBackground, ThemeChoice};
use super::clipboard::{self, Terminal as ClipboardTerminal};
use super::frame_output::FrameOutput;
use super::image_queries::{CELL_SIZE_QUERY, ImageQueries};
use super::images::ScreenImages;
use super::input::Interrupt;
use super::kernel_link::{Command, KernelLink};
use super::lesson_watch::WatchedLesson;
use super::store_reader::StoreReader;
use super::terminal_guard::TerminalGuard;
use super::terminal_queries::TerminalQueries;
use super::terminal_size::frame_size;
use super::thread::{Incoming, spawn};
use super::{background, forced_panic, highlight, input, lesson_watch, report, terminal_guard};
use app::{App, CopiedText, Effect, Event, ImageChoice, RestoreState, Tag, update};
use color_eyre::eyre::{Context, eyre};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{cursor, queue};
use lesson::Library;
use protocol::{Layer, Metric, RunId, Study};
use ratatui::{Frame, Terminal};
use signal_hook::iterator::Signals;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use store::Home;
use ui::{self, Palette, Theme};

/// How to open the notebook.
#[derive(Debug)]
pub struct Options {
    pub home: Home,
    pub library: Library,
    /// The lesson to open. `None` opens the one that was read last.
    pub lesson: Option<usize>,
    /// What to open over the lesson.
    pub over: Option<Opening>,
    /// The lesson's file if it is the reader's own.
    pub watched: Option<WatchedLesson>,
    pub theme: ThemeChoice,
    pub images: ImageChoice,
    /// Writes a run's curves to a file.
    pub export: Export,
}

/// What opens over the lesson.
#[derive(Debug)]
pub enum Opening {
    Lab {
        /// The study in its table. `None` opens it as it was left.
        study: Option<Box<Study>>,
        /// Runs that are shown beside each other.
        runs: Vec<RunId>,
    },
    /// The inside of a run's networks.
    Inside(RunId),
}

/// Writes a run's curves to a new file.
pub type Export = fn(&Home, RunId, &Path, Option<(Metric, Option<Layer>)>) -> color_eyre::Result<()>;

/// The shortest time between two frames that show progress only, so that they take half a kilobyte a second. Keys are drawn at
/// once.
const FRAME_INTERVAL: Duration = Duration::from_millis(200);

/// How long the first frame waits for the position where the reader stopped.
const POSITION_TIMEOUT: Duration = Duration::from_millis(15);

/// How long to wait for a signal that was sent together with the one that continued a stopped notebook.
const SIGNAL_TIMEOUT: Duration = Duration::from_millis(200);

type Screen = Terminal<AnsiBackend>;

/// Opens the notebook on this terminal and returns when the reader has quit.
pub fn run(options: Options) -> color_eyre::Result<()> {
    report::own_terminal(options.home.logs());
    let (columns, rows) = frame_size().wrap_err("this terminal does not report its size")?;
    // A first visit begins with the lesson that explains the notebook.
    let lesson = options.lesson.unwrap_or(0);
    let env = |name: &str| std::env::var(name).ok();
    let (theme, initial) = (Theme::detect(env), InitialBackground::detect(options.theme, env));
    let background_query = background::query(&env("TERM").unwrap_or_default());
    let images = ImageQueries::detect(options.images, theme.has_images(), background_query.is_empty(), env);
    let mut app = App::new(options.library, lesson, columns, rows)
        .with_glyphs(theme.glyphs)
        .with_images(images.support)
        .with_background(initial.background(), initial.source())
        .with_reader(random_number());
    app.timings.cores = super::cores();
    let background_query = match (initial, theme.palette) {
        (InitialBackground::Unknown, Palette::TrueColour | Palette::Indexed | Palette::Sixteen) => background_query,
        _ => b"",
    };
    let queries = TerminalQueries::new(background_query, &images.bytes);
    let signals = input::catch_signals().wrap_err("signals can't be caught")?;
    let guard = TerminalGuard::acquire().wrap_err("the terminal can't be set up")?;
    let outcome = Notebook::open(app, theme, queries, (options.home, options.export))
        .and_then(|notebook| notebook.run(signals, options.lesson.is_some(), options.over, options.watched));
    drop(guard);
    match outcome {
        // A hang-up fails in many calls, such as the query of the size, and is no fault.
        Err(error) if input::terminal_is_gone() => {
            tracing::info!("left a terminal that is gone: {error:#}");
            Ok(())
        }
        Err(error) => {
            report::append(&format!("{error:?}"));
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

/// A random number, from the keys with which the standard library seeds its hash maps.
fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Clears the terminal and returns an empty screen. ratatui's own `clear` queries the cursor's position, and a terminal that
/// does not answer would delay the first frame by two seconds.
fn clear_screen(output: &FrameOutput) -> io::Result<Screen> {
    let mut output = output.clone();
    queue!(output, Clear(ClearType::All), cursor::Hide)?;
    Terminal::new(AnsiBackend(output))
}

struct Notebook {
    app: App,
    theme: Theme,
    queries: TerminalQueries,
    images: ScreenImages,
    interrupt: Interrupt,
    home: Home,
    screen: Screen,
    output: FrameOutput,
    events: Receiver<Incoming>,
    sender: Sender<Incoming>,
    link: KernelLink,
    reader: StoreReader,
    export: Export,
    clipboard: ClipboardTerminal,
}

impl Notebook {
    fn open(
        app: App,
        theme: Theme,
        queries: TerminalQueries,
        (home, export): (Home, Export),
    ) -> color_eyre::Result<Self> {
        let output = FrameOutput::default();
        let screen = clear_screen(&output)?;
        let (sender, events) = mpsc::channel();
        let link = KernelLink::start(home.clone(), sender.clone())
            .wrap_err("the thread of the kernel's connection can't be started")?;
        let reader = StoreReader::start(home.clone(), sender.clone())
            .wrap_err("the thread that reads the store can't be started")?;
        let interrupt = Interrupt::default();
        Ok(Self {
            app,
            theme,
            queries,
            images: ScreenImages::default(),
            interrupt,
            home,
            screen,
            output,
            events,
            sender,
            link,
            reader,
            export,
            clipboard: ClipboardTerminal::detect(|name| std::env::var(name).ok()),
        })
    }

    fn run(
        mut self,
        signals: Signals,
        lesson_chosen: bool,
        over: Option<Opening>,
        watched: Option<WatchedLesson>,
    ) -> color_eyre::Result<()> {
        let mut deferred = self.open_position(!lesson_chosen)?;
        let opening = over.map(|opening| match opening {
            Opening::Lab { study, runs } => Event::OpenLab { study, runs },
            Opening::Inside(run) => Event::OpenInside(run),
        });
        if let Some(event) = opening {
            deferred.extend(update(&mut self.app, event));
        }
        self.draw()?;
        forced_panic::panic_if_requested("main");
        // What may take a moment comes after the first frame.
        input::start(&self.sender, signals, &self.interrupt)
            .wrap_err("the thread that reads the keyboard can't be started")?;
        self.queries.send(&mut self.output)?;
        if let Some(watched) = watched {
            lesson_watch::start(&self.sender, watched)
                .wrap_err("the thread that watches the lesson's file can't be started")?;
        }
        self.link.send(Command::ResumeJobs);
        for effect in deferred {
            self.carry_out(effect)?;
        }
        let mut drawn = Instant::now();
        let mut stale = true;
        while !self.app.quit {
            let first = if stale {
                match self.events.recv_timeout(FRAME_INTERVAL.saturating_sub(drawn.elapsed())) {
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
                at_once |= self.handle(event)?;
                stale = true;
                if self.app.quit || self.interrupt.is_due() {
                    self.apply(Event::Shutdown)?;
                    break;
                }
            }
            // A notebook that quits may not have the terminal any more.
            if stale && !self.app.quit && (at_once || drawn.elapsed() >= FRAME_INTERVAL) {
                self.draw()?;
                drawn = Instant::now();
                stale = false;
            }
        }
        self.await_answers();
        self.link.close();
        Ok(())
    }

    /// Waits for the terminal's answers that are missing, but not for long.
    fn await_answers(&mut self) {
        while let Some(deadline) = self.queries.deadline() {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Incoming::Event(Event::Shutdown) | Incoming::Panicked(_)) | Err(_) => return,
                Ok(Incoming::Event(event)) => self.queries.note(&event),
                Ok(_) => {}
            }
        }
    }

    /// Reads from the store where the reader stopped. The store usually answers within a few milliseconds, so that the first
    /// frame shows that position; a slower answer is applied later. Returns the effects to carry out after the frame.
    fn open_position(&mut self, restore: bool) -> color_eyre::Result<Vec<Effect>> {
        let (reads, mut deferred): (Vec<Effect>, Vec<Effect>) = update(&mut self.app, Event::Opened { restore })
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Query(_)));
        for effect in reads {
            self.carry_out(effect)?;
        }
        let deadline = Instant::now() + POSITION_TIMEOUT;
        while self.app.restore == RestoreState::WaitingForStore {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Incoming::Event(event)) => deferred.extend(update(&mut self.app, event)),
                Ok(incoming) => drop(self.handle(incoming)?),
                Err(_) => break,
            }
        }
        Ok(deferred)
    }

    /// Handles one event. Returns whether a frame should be drawn at once.
    fn handle(&mut self, incoming: Incoming) -> color_eyre::Result<bool> {
        let event = match incoming {
            Incoming::Event(event) => event,
            Incoming::Resized => match frame_size() {
                Ok((columns, rows)) => Event::Resize(columns, rows),
                // The terminal is gone; the input thread ends the notebook.
                Err(_) => return Ok(false),
            },
            Incoming::Suspend => {
                self.suspend()?;
                return Ok(true);
            }
            Incoming::Continued => {
                self.reacquire()?;
                return Ok(true);
            }
            Incoming::Panicked(thread) => {
                let logs = self.home.logs().display().to_string();
                return Err(eyre!("the notebook's {thread} thread failed; its report is in {logs}"));
            }
        };
        self.queries.note(&event);
        // Another size may come from another font.
        if matches!(event, Event::Resize(..)) && self.app.image_support.output().is_some() {
            self.output.write_all(CELL_SIZE_QUERY)?;
        }
        let at_once = !matches!(event, Event::Kernel(_));
        for effect in update(&mut self.app, event) {
            self.carry_out(effect)?;
        }
        Ok(at_once)
    }

    fn carry_out(&mut self, effect: Effect) -> color_eyre::Result<()> {
        match effect {
            Effect::Request(tag, body) => self.request(tag, body, true),
            Effect::RequestIfOn(tag, body) => self.request(tag, body, false),
            Effect::Query(what) => self.reader.request(what),
            Effect::Export { run, path, shown } => self.export(run, path, shown)?,
            Effect::Copy(copied) => self.copy(copied)?,
            Effect::Wake(after) => self.wake(after)?,
            Effect::RestartKernel => self.link.send(Command::Restart),
            Effect::Highlight { lesson, code } => highlight::start(&self.sender, lesson, code)?,
            Effect::Suspend => self.suspend()?,
            Effect::Redraw => self.clear_screen()?,
        }
        Ok(())
    }

    /// Sends an event after some time.
    fn wake(&self, after: Duration) -> io::Result<()> {
        let events = self.sender.clone();
        spawn("wake", &self.sender, move || {
            std::thread::sleep(after);
            // The send fails if the notebook has quit.
            let _ = events.send(Incoming::Event(Event::Woken));
        })
    }

    /// Exports on a thread of its own: the store may be locked, and the file's disk may be slow.
    fn export(&self, run: RunId, path: String, shown: Option<(Metric, Option<Layer>)>) -> io::Result<()> {
        let (home, export, events) = (self.home.clone(), self.export, self.sender.clone());
        spawn("export", &self.sender, move || {
            let path = Path::new(&path);
            let notice = match export(&home, run, path, shown) {
                Ok(()) => {
                    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
                    format!("run {run} is written to {}", whole.display())
                }
                Err(error) => format!("run {run} is not exported: {error:#}"),
            };
            // The send fails if the notebook has quit; then nobody reads the notice.
            let _ = events.send(Incoming::Event(Event::Notice(notice)));
        })
    }

    /// Sends a text to the terminal's clipboard, between two frames, and writes it to the home's file.
    fn copy(&mut self, copied: CopiedText) -> io::Result<()> {
        let sent = match self.clipboard.sequence(&copied.text) {
            Ok(bytes) => {
                self.output.write_all(&bytes)?;
                self.output.write_frame()?;
                Ok(())
            }
            Err(why) => Err(why),
        };
        clipboard::save(&self.home, &self.sender, copied, sent)
    }

    fn apply(&mut self, event: Event) -> color_eyre::Result<()> {
        for effect in update(&mut self.app, event) {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn request(&self, tag: Tag, body: protocol::RequestBody, start: bool) {
        self.link.send(Command::Request { tag, body, start });
    }

    fn clear_screen(&mut self) -> io::Result<()> {
        self.screen = clear_screen(&self.output)?;
        self.images.forget(&mut self.output)
    }

    fn draw(&mut self) -> io::Result<()> {
        queue!(self.output, BeginSynchronizedUpdate)?;
        let output = self.app.image_support.output();
        if self.images.must_clear(output) {
            self.clear_screen()?;
        }
        let (app, theme) = (&self.app, &self.theme);
        let draw = |frame: &mut Frame| ui::draw_and_locate(app, theme, frame);
        self.app.drawn = self.images.draw_frame(&mut self.screen, output, draw)?;
        queue!(self.output, EndSynchronizedUpdate)?;
        self.output.write_frame()
    }

    /// Restores the terminal, stops the process as Ctrl-Z does, and acquires the terminal again when a shell continues the
    /// process.
    fn suspend(&mut self) -> color_eyre::Result<()> {
        // No shell could continue the first process of a session: `tmux new relu`, `ssh -t lab relu`.
        if rustix::process::getsid(None)? == rustix::process::getpgrp() {
            return self.apply(Event::Notice("no shell here could bring the notebook back; q quits it".into()));
        }
        terminal_guard::restore();
        while !self.app.quit {
            rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
            if input::in_foreground() {
                return self.reacquire();
            }
            self.handle_signals()?;
        }
        Ok(())
    }

    /// Handles the events of a notebook that was continued in the background, as a shell does that ends a stopped job. The
    /// terminal is the shell's there: using it would stop the notebook again.
    fn handle_signals(&mut self) -> color_eyre::Result<()> {
        loop {
            match self.events.recv_timeout(SIGNAL_TIMEOUT) {
                Ok(Incoming::Suspend | Incoming::Continued) => {}
                Ok(event) => {
                    self.handle(event)?;
                }
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(eyre!("every thread of the notebook has ended")),
            }
            if self.app.quit {
                return Ok(());
            }
        }
    }

    /// Sets the terminal up as if for the first time, as other programs may have used it, and draws the whole screen.
    fn reacquire(&mut self) -> color_eyre::Result<()> {
        terminal_guard::restore();
        // The guard in `run` restores the terminal.
        std::mem::forget(TerminalGuard::acquire()?);
        let (columns, rows) = frame_size()?;
        update(&mut self.app, Event::Resize(columns, rows));
        self.clear_screen()?;
        // The notebook may be on another terminal by now.
        self.queries.send(&mut self.output)?;
        Ok(())
    }
}
