//! `cargo bench --bench peer`: one epoch of both arms here and in PyTorch eager, on the same cores, in turn. LeNet-4 on
//! MNIST, or with `--net cifar` the convnet of the preset `cifar-glorot` on CIFAR-10, which `relu data cifar10` gets.
//!
//! Both sides start from the same weights and get the same batches, both arms at once, with one thread for each arm;
//! PyTorch runs channels-last, its best setting. A round trains a few epochs on each side and drops the first (it warms
//! up). An epoch of both arms takes as long as its slower arm. Besides wall-clock time the processor time of each arm's
//! thread is given, because on a machine that does other things only that is comparable. pip installs PyTorch into
//! `target/peer/venv` (about 5 GB, once); `RELU_PEER_PYTHON` names a Python that has it already.
//!
//! Options: `cargo bench --bench peer -- --net cifar --rounds 5 --epochs 3 --images 50000`.

use color_eyre::eyre::{Context, OptionExt, Result, bail, ensure};
use learn::{
    Control, Dataset, Ending, Observer, Snapshot,
    data::Preprocessing,
    machine,
    random::{Purpose, Random},
    train::LaneSettings,
    train_lane,
};
use protocol::{ArmId, EpochRecord, Lane, Metric, Preset, Progress, Study, WrongImages};
use serde::Deserialize;
use std::{
    env, fs,
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

const SEED: u64 = 1;

/// What is trained on both sides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Net {
    Lenet4,
    Cifar,
}

impl Net {
    fn arms(self) -> [ArmId; 2] {
        match self {
            Self::Lenet4 => [ArmId::RELU_TANH, ArmId::ALL_TANH],
            Self::Cifar => [ArmId::ALL_RELU, ArmId::ALL_TANH],
        }
    }

    fn preset(self) -> Preset {
        match self {
            Self::Lenet4 => Preset::Article,
            Self::Cifar => Preset::CifarGlorot,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Lenet4 => "LeNet-4",
            Self::Cifar => "convnet on CIFAR-10",
        }
    }

    /// Its name in options.
    fn name(self) -> &'static str {
        match self {
            Self::Lenet4 => "lenet4",
            Self::Cifar => "cifar",
        }
    }
}

/// The times of one epoch of one arm, on either side.
#[derive(Clone, Debug, Deserialize)]
struct Epoch {
    seconds: f64,
    /// Processor time.
    busy: f64,
    train_loss: f64,
    val_error: f64,
}

/// The epochs of both arms, in the order of [`Net::arms`].
type Round = [Vec<Epoch>; 2];

fn main() -> Result<()> {
    color_eyre::install()?;
    // `cargo test --benches` starts benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("peer: run it with `cargo bench --bench peer`");
        return Ok(());
    }
    let net = match text_option("--net")?.as_deref() {
        None | Some("lenet4") => Net::Lenet4,
        Some("cifar") => Net::Cifar,
        Some(other) => bail!("--net {other}: take lenet4 or cifar"),
    };
    let (rounds, epochs) = (option("--rounds", 5)?, option("--epochs", 3)?);
    ensure!(rounds >= 1 && epochs >= 2, "take at least 1 round of 2 epochs");
    machine::prepare();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peer");
    let python = python(&folder)?;
    let spec = Study { epochs, ..Study::of(net.preset()) };
    let spec = Study { train_size: option("--images", spec.train_size)?, ..spec };
    let data = Dataset::load(&spec.data)?;
    hand_over(&folder, net, &spec, &data)?;

    println!("{}", this_machine());
    let (images, batch) = (spec.train_size, spec.first_settings().batch);
    println!("{}, both arms, {images} images, batch {batch}: seconds an epoch", net.title());
    let (mut wall, mut busy) = (Comparison::default(), Comparison::default());
    let mut last = None;
    for round in 1..=rounds {
        let ours = train_here(net, &spec, &data)?;
        let theirs = train_there(&python, &folder, net, &spec)?;
        println!(
            "round {round}: wall {}; processor {}",
            wall.add(&ours, &theirs, |epoch| epoch.seconds),
            busy.add(&ours, &theirs, |epoch| epoch.busy)
        );
        last = Some((ours, theirs));
    }
    println!("median of {rounds}, wall: {}", wall.text());
    println!("median of {rounds}, processor: {}", busy.text());
    // With the same weights and batches, after the first epoch both sides differ by rounding only.
    let (ours, theirs) = last.ok_or_eyre("no round was run")?;
    for (arm, (ours, theirs)) in net.arms().iter().zip(ours.iter().zip(&theirs)) {
        let (a, b) = (&ours[0], &theirs[0]);
        println!(
            "{arm}, epoch 1: loss here {:.6}, PyTorch {:.6}; validation error here {:.2} %, PyTorch {:.2} %",
            a.train_loss, b.train_loss, a.val_error, b.val_error
        );
        ensure!(
            (a.train_loss - b.train_loss).abs() < 0.01 * b.train_loss,
            "the losses of {arm} differ by more than 1 %: the two sides do not train the same network"
        );
    }
    Ok(())
}

fn text_option(name: &str) -> Result<Option<String>> {
    let mut arguments = env::args().skip_while(|argument| argument != name);
    if arguments.next().is_none() {
        return Ok(None);
    }
    arguments.next().ok_or_eyre(format!("{name} needs a value")).map(Some)
}

fn option(name: &str, default: u32) -> Result<u32> {
    let Some(value) = text_option(name)? else { return Ok(default) };
    value.parse().wrap_err(format!("{name} {value}: not a number"))
}

/// A Python with PyTorch and numpy, in a folder of its own.
fn python(folder: &Path) -> Result<PathBuf> {
    if let Some(python) = env::var_os("RELU_PEER_PYTHON") {
        return Ok(python.into());
    }
    let venv = folder.join("venv");
    let (python, ready) = (venv.join("bin/python"), venv.join("ready"));
    if !ready.exists() {
        println!("installing PyTorch {} into {} (once)", machine::libtorch(), venv.display());
        fs::create_dir_all(folder)?;
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))
            .wrap_err("python3 can't make a virtual environment; on Debian: apt install python3-venv")?;
        let torch = format!("torch=={}", machine::libtorch());
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--no-cache-dir", &torch, "numpy"]))
            .wrap_err("pip can't install PyTorch; check the network and the space on the disk")?;
        fs::write(ready, "")?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().wrap_err(format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// Files through which PyTorch gets the images, the initial weights and every epoch's order.
fn hand_over(folder: &Path, net: Net, spec: &Study, data: &Dataset) -> Result<()> {
    fs::create_dir_all(folder)?;
    let lane = Lane { arm: net.arms()[0], seed: SEED };
    let settings = LaneSettings::new(spec, lane)?;
    hand_over_images(folder, spec, &settings, data)?;
    let weights = settings.network(data.shape(), data.classes().len(), SEED).weights();
    let bytes: Vec<u8> =
        weights.iter().flat_map(|tensor| &tensor.values).flat_map(|value| value.to_ne_bytes()).collect();
    fs::write(folder.join("weights.f32"), bytes)?;
    for epoch in 1..=spec.epochs {
        let order = Random::new(SEED, Purpose::Shuffle { epoch }).permutation(spec.train_size);
        let bytes: Vec<u8> = order.iter().flat_map(|image| image.to_ne_bytes()).collect();
        fs::write(folder.join(format!("order-{epoch}.i64")), bytes)?;
    }
    Ok(())
}

/// The images as the networks see them, channels last: those for training, then those for validation.
fn hand_over_images(folder: &Path, spec: &Study, settings: &LaneSettings, data: &Dataset) -> Result<()> {
    let train = data.train(spec.train_size);
    let preprocessing = Preprocessing::of(settings.inputs, &train);
    let mut images = BufWriter::new(fs::File::create(folder.join("images.f32"))?);
    let mut labels = BufWriter::new(fs::File::create(folder.join("labels.i64"))?);
    for split in [&train, &data.validation(spec.val_size)] {
        for image in 0..split.len() {
            let values = split.inputs(&[image], settings.architecture.padding, &preprocessing).permute([0, 2, 3, 1]);
            for value in Vec::<f32>::try_from(values.contiguous().view(-1))? {
                images.write_all(&value.to_ne_bytes())?;
            }
            labels.write_all(&split.labels.int64_value(&[image]).to_ne_bytes())?;
        }
    }
    images.flush()?;
    Ok(labels.flush()?)
}

struct Collect {
    images: f64,
    epochs: Vec<Epoch>,
    /// The processor time when the epoch began, then what the epoch took.
    busy: f64,
}

impl Observer for Collect {
    fn poll(&mut self, progress: &Progress) -> Control {
        if progress.batch == progress.batches {
            self.busy = processor_seconds() - self.busy;
        }
        Control::Continue
    }

    fn epoch(&mut self, record: &EpochRecord, _: &WrongImages, _: &Snapshot) -> Control {
        let of = |metric| record.get(metric).expect("every epoch measures it");
        let (images_per_second, train_loss, val_error) =
            (of(Metric::ImagesPerSecond), of(Metric::TrainLoss), of(Metric::ValError));
        // Training only, as on the other side.
        let seconds = self.images / images_per_second;
        self.epochs.push(Epoch { seconds, busy: self.busy, train_loss, val_error });
        self.busy = processor_seconds();
        Control::Continue
    }

    fn checkpoint(&mut self, _: &Snapshot) {}
}

/// The processor time of this thread so far; zero if the system does not provide it.
fn processor_seconds() -> f64 {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    statistics.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map_or(0.0, |ns| ns / 1e9)
}

fn train_here(net: Net, spec: &Study, data: &Dataset) -> Result<Round> {
    thread::scope(|scope| {
        let lanes = net.arms().map(|arm| {
            scope.spawn(move || -> Result<Vec<Epoch>> {
                let mut collect =
                    Collect { images: f64::from(spec.train_size), epochs: Vec::new(), busy: processor_seconds() };
                let ending = train_lane(spec, Lane { arm, seed: SEED }, data, None, &mut collect)?;
                ensure!(ending == Ending::Finished, "{arm} ended with {ending:?}");
                Ok(collect.epochs)
            })
        });
        collect_both(lanes.map(|lane| match lane.join() {
            Ok(epochs) => epochs,
            Err(panic) => std::panic::resume_unwind(panic),
        }))
    })
}

fn train_there(python: &Path, folder: &Path, net: Net, spec: &Study) -> Result<Round> {
    let mut peers = net.arms().map(|arm| Peer::start(python, net, folder, arm, spec));
    for peer in &mut peers {
        peer.as_mut().map_err(|error| color_eyre::eyre::eyre!("{error}"))?.wait_until_ready()?;
    }
    for peer in peers.iter_mut().flatten() {
        peer.go()?;
    }
    collect_both(peers.map(|peer| peer?.finish()))
}

fn collect_both(arms: [Result<Vec<Epoch>>; 2]) -> Result<Round> {
    let [first, second] = arms;
    Ok([first?, second?])
}

/// One PyTorch process.
struct Peer {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Peer {
    fn start(python: &Path, net: Net, folder: &Path, arm: ArmId, spec: &Study) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/benches/peer.py"))
            .arg(net.name())
            .arg(folder)
            .args([arm.to_string(), spec.epochs.to_string(), spec.first_settings().batch.to_string()])
            .args([spec.train_size, spec.val_size].map(|size| size.to_string()))
            // cargo bench sets it for LibTorch; PyTorch has its own.
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err(format!("can't start {}", python.display()))?;
        let stdout = child.stdout.take().ok_or_eyre("PyTorch has no stdout")?;
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        match self.lines.next() {
            Some(Ok(line)) if line == "ready" => Ok(()),
            other => bail!("PyTorch did not get ready: {other:?}"),
        }
    }

    fn go(&mut self) -> Result<()> {
        let stdin = self.child.stdin.as_mut().ok_or_eyre("PyTorch has no stdin")?;
        Ok(stdin.write_all(b"go\n")?)
    }

    fn finish(mut self) -> Result<Vec<Epoch>> {
        let epochs = self.lines.by_ref().map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Result<_>>()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "PyTorch ended with {status}");
        Ok(epochs)
    }
}

/// Compares both sides by one clock, one line for each round.
#[derive(Default)]
struct Comparison {
    ours: Vec<f64>,
    theirs: Vec<f64>,
    ratios: Vec<f64>,
}

impl Comparison {
    fn add(&mut self, ours: &Round, theirs: &Round, clock: impl Fn(&Epoch) -> f64) -> String {
        let (here, there) = (both_arms(ours, &clock), both_arms(theirs, &clock));
        self.ours.push(here);
        self.theirs.push(there);
        self.ratios.push(there / here);
        format!("here {here:.3}, PyTorch {there:.3}, ratio {:.2}", there / here)
    }

    fn text(&self) -> String {
        let (least, most) = self.ratios.iter().fold((f64::MAX, 0.0_f64), |(a, b), &r| (a.min(r), b.max(r)));
        let [ours, theirs, ratio] = [&self.ours, &self.theirs, &self.ratios].map(|values| median(values));
        format!("here {ours:.3} s, PyTorch {theirs:.3} s, ratio {ratio:.2} ({least:.2} to {most:.2})")
    }
}

/// Seconds for an epoch of both arms: for each epoch the slower arm, and the median of the epochs after the first.
fn both_arms([first, second]: &Round, clock: impl Fn(&Epoch) -> f64) -> f64 {
    let slower: Vec<f64> = first.iter().zip(second).map(|(a, b)| clock(a).max(clock(b))).collect();
    median(&slower[1..])
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

fn this_machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let model = model.map_or(env::consts::ARCH, |(_, model)| model);
    format!("machine: {model}, {cores} cores, {}, LibTorch {}", machine::vector_width(), machine::libtorch())
}
