//! One epoch of both arms of the article's study, two lanes at once: fused against LibTorch's own operators, in turn.
//!
//! `cargo bench --bench epoch -- [ROUNDS] [CONV1,CONV2,FC1 BATCH IMAGES]` prints the parts of a fused step, then
//! median, spread and ratio of both. Without arguments it runs 5 rounds of LeNet-4; `3 20,50,500 500 10000` is the
//! tutorial's network on a part of the images.

use learn::{
    Control, Dataset, Engine, Observer, Snapshot, data::Preprocessing, evaluate, machine, network::Mode, optim::Sgd,
    optim::SgdSettings, train::LaneSettings, train_lane,
};
use protocol::{ArmId, Backend, DataSource, EpochRecord, Lane, Network, Preset, Progress, Study, Widths, WrongImages};
use std::time::Instant;
use tch::Tensor;

/// Observes a lane for one epoch, records the training time alone, and ends the lane before the evaluation.
#[derive(Default)]
struct Clock {
    /// Wall-clock time.
    wall: f64,
    /// Processor time, which other processes do not change.
    busy: f64,
}

impl Observer for Clock {
    fn poll(&mut self, progress: &Progress) -> Control {
        if progress.batch < progress.batches {
            return Control::Continue;
        }
        self.busy = processor_seconds() - self.busy;
        self.wall = progress.seconds;
        Control::Stop
    }

    fn epoch(&mut self, _: &EpochRecord, _: &WrongImages, _: &Snapshot) -> Control {
        Control::Stop
    }

    fn checkpoint(&mut self, _: &Snapshot) {}
}

/// The processor time of this thread so far; zero if the system does not provide it.
fn processor_seconds() -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    statistics.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map_or(0.0, |ns| ns / 1e9)
}

/// Training time of the slower lane.
fn epoch(spec: &Study, backend: Backend, data: &Dataset) -> Clock {
    let spec = Study { backend, ..spec.clone() };
    std::thread::scope(|scope| {
        let lanes = spec.lanes().into_iter().map(|lane| {
            let spec = &spec;
            scope.spawn(move || {
                let mut clock = Clock { busy: processor_seconds(), ..Clock::default() };
                train_lane(spec, lane, data, None, &mut clock).expect("a sound spec trains");
                clock
            })
        });
        let lanes: Vec<_> = lanes.collect();
        lanes
            .into_iter()
            .map(|lane| lane.join().expect("no lane panics"))
            .fold(Clock::default(), |a, b| Clock { wall: a.wall.max(b.wall), busy: a.busy.max(b.busy) })
    })
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The times of a step's parts, each the best of many, and of an image's forward pass in training and in evaluation.
fn step(arm: ArmId, data: &Dataset) {
    let spec = Study::of(Preset::Article);
    let split = data.train(spec.train_size);
    let net =
        LaneSettings::new(&spec, Lane { arm, seed: 1 }).expect("an arm of the article").network(data.shape(), 10, 1);
    let mut engine = Engine::new(net, data.shape(), Preprocessing::Unit, spec.backend, spec.threads);
    let mut descent = Sgd::new(SgdSettings::default(), engine.net.names());
    let mut best = [f64::MAX; 4];
    let mut clock = Instant::now();
    let mut lap = |best: &mut f64| {
        *best = best.min(clock.elapsed().as_secs_f64());
        clock = Instant::now();
    };
    for batch in 0..1500 {
        let pick: Vec<i64> = (0..100).map(|image| (batch * 100 + image * 37) % split.len()).collect();
        lap(&mut f64::MAX.clone());
        let logits = engine.logits(&split, &pick, Mode::Evaluation);
        lap(&mut best[0]);
        let labels = split.labels.index_select(0, &Tensor::from_slice(&pick));
        let loss = logits.cross_entropy_for_logits(&labels);
        let _ = loss.double_value(&[]);
        lap(&mut best[1]);
        let gradients = engine.gradients(&loss);
        lap(&mut best[2]);
        descent.step(&mut engine.net.parameters, &gradients, spec.first_settings().learning_rate);
        lap(&mut best[3]);
    }
    // A part of the set, so that the best of many is undisturbed.
    let validation = data.validation(spec.val_size).narrow(0, 1120);
    let seconds = (0..200).map(|_| {
        let start = Instant::now();
        evaluate(&validation, |pick| engine.logits(&validation, pick, Mode::Evaluation), || false);
        start.elapsed().as_secs_f64()
    });
    let seconds = seconds.fold(f64::MAX, f64::min);
    let [forward, loss, backward, descent] = best.map(|seconds| 1e6 * seconds);
    println!(
        "{arm}: a step of 100 images: forward {forward:.0}, loss {loss:.0}, backward {backward:.0}, descent {descent:.0} us"
    );
    let evaluated = validation.len() as f64 / seconds;
    println!("{arm}: images a second forward: training {:.0}, evaluation {evaluated:.0}", 1e8 / forward);
}

fn main() {
    machine::prepare();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let rounds = arguments.first().map_or(5, |rounds| rounds.parse().expect("the rounds are a number")).max(1);
    let mut spec = Study { epochs: 1, ..Study::of(Preset::Article) };
    if let [_, widths, batch, images] = arguments.as_slice() {
        let number = |text: &str| text.parse::<u32>().expect("a whole number");
        let widths: Widths = widths.parse().expect("three widths");
        spec.train_size = number(images);
        spec = spec.with_shared(|settings| (settings.widths, settings.batch) = (widths.clone(), number(batch)));
    }
    let data = Dataset::load(&DataSource::Mnist).expect("the program brings MNIST");
    if spec.first_settings().widths == Network::Lenet4.default_widths() {
        for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
            step(arm, &data);
        }
    }
    epoch(&spec, Backend::Fused, &data);
    let (mut fused, mut libtorch) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        fused.push(epoch(&spec, Backend::Fused, &data));
        libtorch.push(epoch(&spec, Backend::Libtorch, &data));
    }
    for (what, of) in [("wall", (|c| c.wall) as fn(&Clock) -> f64), ("processor", |c| c.busy)] {
        let [fused, libtorch] = [&fused, &libtorch].map(|clocks| clocks.iter().map(of).collect::<Vec<_>>());
        let text = |seconds: &[f64]| {
            let (least, most) =
                (seconds.iter().copied().fold(f64::MAX, f64::min), seconds.iter().copied().fold(0.0, f64::max));
            format!("{:.3} s ({least:.3} to {most:.3})", median(seconds))
        };
        let ratio = median(&libtorch) / median(&fused);
        println!("{what}: fused {}, libtorch {}, ratio {ratio:.2}", text(&fused), text(&libtorch));
    }
}
