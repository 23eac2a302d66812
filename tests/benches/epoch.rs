//! One epoch of both arms of the race, two lanes at once: fused against LibTorch's own operators, in turn.
//!
//! `cargo bench --bench epoch -- [ROUNDS]` prints the median, the spread and the ratio. Without arguments 5 rounds.

use relu_notebook::learn::{Control, Dataset, Observer, Snapshot, machine, train_lane};
use relu_notebook::protocol::{Backend, DataSource, EpochRecord, Preset, Progress, RunSpec};

/// Follows a lane for its one epoch and keeps what training alone took.
#[derive(Default)]
struct Clock {
    /// By the clock on the wall.
    wall: f64,
    /// On the processor: the same on a machine that does other things beside.
    busy: f64,
}

impl Observer for Clock {
    fn poll(&mut self, progress: &Progress) -> Control {
        if progress.batch == progress.batches {
            self.busy = processor_seconds() - self.busy;
        }
        Control::Continue
    }

    fn epoch(&mut self, record: &EpochRecord, _: &Snapshot) -> Control {
        self.wall = record.seconds;
        Control::Continue
    }

    fn checkpoint(&mut self, _: &Snapshot) {}
}

/// What this thread has computed so far; zero where the system does not tell.
fn processor_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map_or(0.0, |ns| ns / 1e9)
}

/// Training time of the slower lane.
fn epoch(backend: Backend, data: &Dataset) -> Clock {
    let spec = RunSpec { epochs: 1, backend, ..RunSpec::of(Preset::Article) };
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

fn main() {
    machine::prepare();
    let rounds = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(5).max(1);
    let data = Dataset::load(&DataSource::Mnist).expect("the program brings MNIST");
    epoch(Backend::Fused, &data);
    let (mut fused, mut libtorch) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        fused.push(epoch(Backend::Fused, &data));
        libtorch.push(epoch(Backend::Libtorch, &data));
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
