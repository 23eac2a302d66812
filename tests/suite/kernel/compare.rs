//! `relu compare`: the numbers are those of scipy and of what was trained, whatever the store holds.

use crate::common::cli::TestHome;
use protocol::{ArmId, EpochRecord, ImageSet, Lane, Metric, Preset, RunId, RunState, Study, WrongImages};
use serde_json::{Value, json};
use store::{CheckpointRow, Home, LaneState, Store};

const IMAGES: u32 = 10_000;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../fixtures/statistics.json")).unwrap()
}

#[track_caller]
fn assert_near(found: &Value, expected: &Value) {
    let [found, expected] = [found, expected].map(|value| value.as_f64().unwrap_or_else(|| panic!("{value}")));
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-6), "{found} is not {expected}");
}

/// A home whose store is filled by hand.
struct Bench {
    home: TestHome,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let home = TestHome::new();
        let place = Home::at(home.folder()).unwrap();
        place.prepare().unwrap();
        let store = Store::open(&place).unwrap();
        Self { home, store }
    }

    /// A finished run of both arms with these errors, a curve a seed; `wrong` says how many of the first images an arm
    /// gets wrong alone, and 0 stores no answers.
    fn run(&mut self, arms: [&[(u64, &[f64])]; 2], wrong: [u32; 2]) -> RunId {
        let ids = [ArmId::RELU_TANH, ArmId::ALL_TANH];
        let epochs = arms.iter().flat_map(|lanes| lanes.iter().map(|lane| lane.1.len())).max().unwrap() as u32;
        let seeds: Vec<u64> = arms[0].iter().map(|lane| lane.0).collect();
        let mut study = Study { seeds, epochs, ..Study::of(Preset::Article) };
        if arms[1].is_empty() {
            study.arms.truncate(1);
        }
        let run = self.store.create_run(&study, None).unwrap();
        for (number, lanes) in arms.iter().enumerate() {
            for &(seed, errors) in *lanes {
                let lane = Lane { arm: ids[number], seed };
                let from = if number == 0 { 0 } else { wrong[0] };
                let set: ImageSet = (0..IMAGES).map(|image| (from..from + wrong[number]).contains(&image)).collect();
                let wrong = if wrong == [0, 0] {
                    WrongImages::default()
                } else {
                    WrongImages { validation: set, test: ImageSet::default() }
                };
                for (epoch, &error) in (1..).zip(errors) {
                    let measured = [
                        (Metric::TrainLoss, 0.1),
                        (Metric::ValError, error),
                        (Metric::TestError, error),
                        (Metric::Seconds, 1.0),
                        (Metric::ImagesPerSecond, 1e5),
                    ];
                    let record = EpochRecord::new(lane, epoch, measured);
                    let file = format!("epoch-{epoch:04}.safetensors");
                    let row = CheckpointRow { lane, epoch, file, sha256: "00".repeat(32) };
                    self.store.commit_epoch(run, (&record, &wrong), &row, &[], f64::from(epoch)).unwrap();
                }
                self.store.set_lane(run, lane, LaneState::Finished).unwrap();
            }
        }
        self.store.set_state(run, &RunState::Finished).unwrap();
        run
    }

    fn compare(&self, arguments: &[&str]) -> Value {
        self.home.json(&[&["compare"], arguments, &["--json"]].concat())
    }
}

#[test]
fn two_arms_of_a_run_are_compared_as_scipy_does() {
    let mut bench = Bench::new();
    let fixture = fixture();
    let (sample, alone, ratio) = (&fixture["paired"][0], &fixture["mcnemar"][4], &fixture["ratios"][0]);
    let differences: Vec<f64> = serde_json::from_value(sample["differences"].clone()).unwrap();
    let epochs: Vec<(u32, u32)> = serde_json::from_value(ratio["epochs"].clone()).unwrap();
    // The last errors differ as the sample, and each arm comes down to 1.37 % at its epoch.
    let curve = |down: u32, last: f64| -> Vec<f64> {
        (1..=20)
            .map(|epoch| {
                if epoch < down {
                    3.0
                } else if epoch < 20 {
                    1.37
                } else {
                    last
                }
            })
            .collect()
    };
    let curves: Vec<[Vec<f64>; 2]> = differences
        .iter()
        .zip(&epochs)
        .map(|(difference, &(a, b))| [curve(a, 1.25 + difference), curve(b, 1.25)])
        .collect();
    let lanes = |arm: usize| (1..).zip(curves.iter().map(|pair| pair[arm].as_slice())).collect::<Vec<(u64, &[f64])>>();
    let count = |key: &str| u32::try_from(alone[key].as_u64().unwrap()).unwrap();
    bench.run([&lanes(0), &lanes(1)], [count("only_a"), count("only_b")]);

    let found = bench.compare(&["1/relu-tanh", "1/all-tanh"]);
    let mut keys: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = "a b epoch history left_out mcnemar mcnemar_reason metric paired sentence settings threshold";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(found["history"], json!({ "a": [], "b": [] }), "neither was steered or forked");
    assert_eq!((&found["metric"], &found["epoch"]), (&json!("val_error"), &json!(20)));
    assert_eq!((&found["a"]["run"], &found["a"]["arm"]), (&json!(1), &json!("relu-tanh")));
    assert_eq!((&found["b"]["arm"], &found["b"]["seeds"]), (&json!("all-tanh"), &json!([1, 2, 3, 4, 5])));
    assert_near(&found["b"]["mean"], &json!(1.25));
    assert_near(&found["a"]["mean"], &json!(1.25 + sample["mean"].as_f64().unwrap()));
    assert_near(&found["a"]["sd"], &sample["sd"]);
    let paired = &found["paired"];
    assert_eq!(paired["n"], 5);
    for key in ["mean", "t", "p"] {
        assert_near(&paired[key], &sample[key]);
    }
    for end in 0..2 {
        assert_near(&paired["ci95"][end], &sample["ci95"][end]);
        assert_near(&found["threshold"]["ci95"][end], &ratio["ci95"][end]);
    }
    assert_near(&paired["sign"]["p"], &sample["sign_p"]);
    let seeds: Vec<&Value> = found["mcnemar"].as_array().unwrap().iter().map(|one| &one["seed"]).collect();
    assert_eq!(seeds, [1, 2, 3, 4, 5]);
    let first = &found["mcnemar"][0];
    assert_eq!((&first["only_a_wrong"], &first["only_b_wrong"]), (&alone["only_a"], &alone["only_b"]));
    assert_near(&first["p"], &alone["p"]);
    let threshold = &found["threshold"];
    assert_eq!((&threshold["value"], &threshold["epochs_a"]), (&json!(1.37), &json!([9, 10, 14, 8, 17])));
    assert_near(&threshold["ratio"], &ratio["ratio"]);
    let tells = threshold["sentence"].as_str().unwrap();
    assert!(tells.starts_with("Down to 1.37 % we cannot tell which is faster: ReLU+Tanh took "), "{tells}");
    assert_eq!(
        found["sentence"],
        "At epoch 20 the validation error of ReLU+Tanh is 0.11 points below that of all-Tanh (95 % interval 0.05 to 0.18, \
         p = 0.0098, 5 seeds)."
    );

    // The other way round every difference has the other sign.
    let turned = bench.compare(&["1/all-tanh", "1/relu-tanh"]);
    assert_near(&turned["paired"]["t"], &json!(-sample["t"].as_f64().unwrap()));
    assert_near(&turned["paired"]["ci95"][0], &json!(-sample["ci95"][1].as_f64().unwrap()));
    assert_near(&turned["threshold"]["ratio"], &json!(1.0 / ratio["ratio"].as_f64().unwrap()));

    // Before either came down: nothing differs, and a threshold of one's own is counted to.
    let early = bench.compare(&["1/relu-tanh", "1/all-tanh", "--epoch", "1", "--threshold", "0.5"]);
    assert_eq!(
        (&early["epoch"], &early["paired"]["mean"], &early["paired"]["p"]),
        (&json!(1), &json!(0.0), &Value::Null)
    );
    assert_eq!(early["threshold"]["epochs_b"], json!([null, null, null, null, null]));
    assert_eq!(early["threshold"]["ratio"], Value::Null);
    let loss = bench.compare(&["1/relu-tanh", "1/all-tanh", "--metric", "train_loss"]);
    assert_eq!((&loss["metric"], &loss["threshold"]), (&json!("train_loss"), &Value::Null), "none was named");

    let text = bench.home.text(&["compare", "1/relu-tanh", "1/all-tanh"]);
    assert!(text.starts_with(found["sentence"].as_str().unwrap()), "{text}");
    for part in [
        "Down to 1.37 % we cannot tell which is faster",
        "seed  ReLU+Tanh  all-Tanh  difference  epochs to 1.37  wrong alone     McNemar",
        "   1       1.13      1.25       -0.12          9 : 12      30 : 12  p = 0.0079",
        "mean       1.14      1.25       -0.11",
        "ReLU+Tanh is below all-Tanh with 5 of 5 seeds, above with 0 (sign test, p = 0.0625)",
        "settings that differ: activations relu-tanh against all-tanh",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn what_cannot_be_compared_is_null_with_the_reason() {
    let mut bench = Bench::new();
    let down: &[f64] = &[2.0, 1.3];
    bench.run([&[(1, down), (2, down), (3, &[2.5])], &[(1, &[2.1, 1.5]), (2, &[]), (3, &[2.0])]], [0, 0]);
    bench
        .store
        .set_lane(RunId(1), Lane { arm: ArmId::ALL_TANH, seed: 2 }, LaneState::Diverged { epoch: 1, batch: 3 })
        .unwrap();
    bench.run([&[(8, down), (9, down)], &[]], [0, 0]);

    let one = bench.compare(&["1/relu-tanh", "1/all-tanh", "--epoch", "2"]);
    assert_eq!((&one["paired"], &one["mcnemar"]), (&Value::Null, &Value::Null), "{one}");
    assert!(one["mcnemar_reason"].as_str().unwrap().contains("run 1 has no stored answers"), "{one}");
    assert_eq!(one["a"]["seeds"], json!([1, 2]));
    assert_eq!(one["b"]["seeds"], json!([1]));
    assert_eq!(one["b"]["sd"], Value::Null);
    assert_eq!(one["threshold"]["epochs_a"], json!([2, 2]));
    assert_eq!(one["threshold"]["epochs_b"], json!([null]));
    let reasons: Vec<&str> =
        one["left_out"].as_array().unwrap().iter().map(|one| one["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["seed 2: all-Tanh diverged in epoch 1", "seed 3: ReLU+Tanh has been measured to epoch 1"]);
    assert_eq!(
        one["sentence"],
        "At epoch 2 the validation error of ReLU+Tanh is 0.20 points below that of all-Tanh; one seed cannot tell whether \
         others would agree."
    );

    // A RUN alone has one arm.
    let none = bench.compare(&["1/relu-tanh", "2"]);
    assert_eq!((&none["b"]["arm"], &none["paired"], &none["mcnemar"]), (&json!("relu-tanh"), &Value::Null, &json!([])));
    assert!(none["sentence"].as_str().unwrap().contains("they share no seed"), "{none}");
    let same = bench.compare(&["2", "2/relu-tanh"]);
    assert!(same["sentence"].as_str().unwrap().starts_with("Both are ReLU+Tanh of run 2"), "{same}");
    assert_eq!((&same["paired"]["mean"], &same["paired"]["t"]), (&json!(0.0), &Value::Null));

    let refusals: &[(&[&str], i32, &[&str])] = &[
        (&["1", "2"], 2, &["run 1 has 2 arms", "1/relu-tanh or 1/all-tanh"]),
        (&["1/gelu-tanh", "2"], 2, &["run 1 has no arm gelu-tanh", "1/relu-tanh or 1/all-tanh"]),
        (&["2", "7"], 1, &["run 7"]),
        (&["2"], 2, &["<B>"]),
        (&["2", "x"], 2, &["relu runs"]),
        (&["2", "1/all-tanh", "--metric", "accuracy"], 2, &["accuracy", "val_error"]),
        (&["2", "1/all-tanh", "--metric", "zeros"], 2, &["conv1.zeros"]),
        (&["2", "1/all-tanh", "--metric", "val_loss"], 1, &["run 2 did not measure val_loss"]),
        (&["2", "1/all-tanh", "--epoch", "0"], 2, &["from 1, or `last`"]),
        (&["2", "1/all-tanh", "--epoch", "9"], 1, &["relu-tanh of run 2", "--epoch 1 to 2"]),
        (&["2", "1/all-tanh", "--threshold", "nan"], 2, &["nan"]),
    ];
    for (arguments, status, named) in refusals {
        let (code, stderr) = bench.home.refusal(&[&["compare"], *arguments].concat());
        assert_eq!(code, *status, "{arguments:?}\n{stderr}");
        assert!(named.iter().all(|part| stderr.contains(part)), "{arguments:?} does not name {named:?}\n{stderr}");
    }
}

/// What the kernel stores of a real run is what the test of its images counts.
#[test]
fn a_trained_run_is_compared_image_by_image() {
    let home = TestHome::new();
    let settings = ["--train-size", "500", "--val-size", "200", "--epochs", "2", "--batch", "50", "--seeds", "1,2,3"];
    home.run(&[&["train"], &settings[..]].concat()).success();
    let found = home.json(&["compare", "1/relu-tanh", "1/all-tanh", "--json"]);
    let epochs = home.json(&["runs", "show", "1", "--json"])["epochs"].clone();
    let error = |arm: &str, seed: u64| {
        let is_it = |row: &&Value| row["arm"] == arm && row["seed"] == seed && row["epoch"] == 2;
        epochs.as_array().unwrap().iter().find(is_it).unwrap()["val_error"].as_f64().unwrap()
    };
    let differences = [1, 2, 3].map(|seed| error("relu-tanh", seed) - error("all-tanh", seed));
    let mean = differences.iter().sum::<f64>() / 3.0;
    assert!((found["paired"]["mean"].as_f64().unwrap() - mean).abs() < 1e-9, "{found}");
    assert_eq!((&found["epoch"], &found["paired"]["n"]), (&json!(2), &json!(3)));
    for (test, difference) in found["mcnemar"].as_array().unwrap().iter().zip(differences) {
        let more = test["only_a_wrong"].as_f64().unwrap() - test["only_b_wrong"].as_f64().unwrap();
        assert!((more - 200.0 * difference / 100.0).abs() < 1e-6, "{test} beside {difference} points");
    }
    let text = home.text(&["compare", "1/relu-tanh", "1/all-tanh", "--metric", "conv1.zeros"]);
    assert!(text.contains("zeros in conv1, % at epoch 2"), "{text}");
}
