//! Views of a checkpoint against PyTorch's numbers (`tests/tools/views.py`), and what is refused.

use learn::view::Subject;
use learn::{Dataset, Environment, NamedTensor, Snapshot};
use protocol::{ArmId, DataSource, ImageSplit, Lane, Seen, Study, View, ViewImage};
use serde_json::Value;

/// 1.2 * ((k * 7919 mod 2003) / 2003 - 0.5), as the script has it.
fn series(count: usize, start: usize) -> Vec<f32> {
    (start..start + count).map(|k| (1.2 * ((k * 7919 % 2003) as f64 / 2003.0 - 0.5)) as f32).collect()
}

fn study() -> Study {
    "relu-tanh | widths=3,5,7 images=2000 val=1200 seeds=1".parse().unwrap()
}

/// The script's network.
fn snapshot() -> Snapshot {
    let shapes: [(&str, &[usize]); 8] = [
        ("conv1.weight", &[3, 1, 5, 5]),
        ("conv1.bias", &[3]),
        ("conv2.weight", &[5, 3, 5, 5]),
        ("conv2.bias", &[5]),
        ("fc1.weight", &[7, 125]),
        ("fc1.bias", &[7]),
        ("fc2.weight", &[10, 7]),
        ("fc2.bias", &[10]),
    ];
    let mut start = 0;
    let weights = shapes.map(|(name, shape)| {
        let count = shape.iter().product();
        let mut values = series(count, start);
        start += count;
        if name == "conv2.bias" {
            values[4] = -1000.0;
        }
        NamedTensor { name: name.into(), shape: shape.to_vec(), values }
    });
    Snapshot {
        lane: Lane { arm: ArmId::RELU_TANH, seed: 1 },
        epochs_done: 1,
        batches_done: 0,
        loss_sum: 0.0,
        wrong: None,
        epoch_seconds: 0.0,
        seconds: 0.0,
        weights: weights.into(),
        velocity: Vec::new(),
        environment: Environment {
            libtorch: String::new(),
            cpu: String::new(),
            threads: 1,
            backend: String::new(),
            data: String::new(),
        },
    }
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../fixtures/views.json")).unwrap()
}

fn see(view: &View) -> Result<Value, String> {
    let data = Dataset::load(&DataSource::Mnist).unwrap();
    let subject = Subject::new(&snapshot(), &study(), &data, &[]).map_err(|error| error.to_string())?;
    let seen = subject.view(view, &mut || false).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(seen.unwrap()).unwrap())
}

#[track_caller]
fn near(found: &Value, expected: &Value, tolerance: f64) {
    if let (Value::Array(found), Value::Array(expected)) = (found, expected) {
        assert_eq!(found.len(), expected.len());
        found.iter().zip(expected).for_each(|(found, expected)| near(found, expected, tolerance));
    } else {
        let (a, b) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
        assert!((a - b).abs() <= tolerance * b.abs().max(1e-3), "{a} is not {b}");
    }
}

const SPLIT: ImageSplit = ImageSplit::Validation;

#[test]
fn answers_are_pytorchs() {
    let expected = fixture();
    assert_eq!(see(&View::Confusion { split: SPLIT }).unwrap()["matrix"], expected["matrix"]);
    let image = ViewImage::Of { split: SPLIT, number: 17 };
    let asked = see(&View::Ask { image: image.clone() }).unwrap();
    near(&asked["probabilities"], &expected["ask"]["probabilities"], 1e-4);
    let mistakes = see(&View::Mistakes { split: SPLIT }).unwrap();
    assert_eq!(mistakes["wrong"], expected["first mistake"]["wrong"]);
    assert_eq!(mistakes["mistakes"][0]["number"], expected["first mistake"]["number"]);
    assert_eq!(mistakes["mistakes"].as_array().unwrap().len(), 500, "of many the first are shown");
    // The same image, as its pixels.
    let data = Dataset::load(&DataSource::Mnist).unwrap();
    let pixels = data.validation(1200).pixels()[17 * 784..][..784].to_vec();
    let drawn = see(&View::Ask { image: ViewImage::Pixels(pixels) }).unwrap();
    assert_eq!(drawn["probabilities"], asked["probabilities"]);
    assert_eq!(drawn.get("truth"), None);
    let maps = see(&View::Maps { image }).unwrap();
    for (found, expected) in maps["layers"].as_array().unwrap().iter().zip(expected["maps"].as_array().unwrap()) {
        assert_eq!(found["layer"], expected["layer"]);
        let sum = |values: &Value| values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).sum::<f64>();
        assert!((sum(&found["z"]) - expected["z"].as_f64().unwrap()).abs() < 1e-2, "{}", found["layer"]);
        assert!((sum(&found["y"]) - expected["y"].as_f64().unwrap()).abs() < 1e-2, "{}", found["layer"]);
        assert_eq!(found["units"], expected["shape"][0]);
    }
    assert_eq!(maps["probabilities"], asked["probabilities"]);
}

#[test]
fn hidden_layers_are_pytorchs() {
    let expected = fixture();
    let units = see(&View::Units { split: SPLIT }).unwrap();
    assert_eq!(units["images"], 1000);
    for (found, expected) in units["layers"].as_array().unwrap().iter().zip(expected["units"].as_array().unwrap()) {
        assert_eq!((&found["layer"], &found["dead"]), (&expected["layer"], &expected["dead"]));
        // A pre-activation next to zero may fall on its other side in single precision.
        near(&found["zeros"], &expected["zeros"], 1e-4);
        near(&found["saturated"], &expected["saturated"], 1e-3);
    }
    let gradients = see(&View::Gradients { split: SPLIT }).unwrap();
    let rows = gradients["layers"].as_array().unwrap().iter().zip(expected["gradients"].as_array().unwrap());
    for (found, expected) in rows {
        near(&found["weights"], &expected["weights"], 1e-4);
        near(&found["z"], &expected["z"], 1e-4);
    }
    let histogram = see(&View::Histogram { split: SPLIT }).unwrap();
    let rows = histogram["layers"].as_array().unwrap().iter().zip(expected["histogram"].as_array().unwrap());
    for (found, expected) in rows {
        near(&found["mean"], &expected["mean"], 1e-4);
        near(&found["deviation"], &expected["deviation"], 1e-4);
        for bins in [&found["z"], &found["gradient"]] {
            let counts: u64 = bins["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
            assert_eq!(counts, expected["count"].as_u64().unwrap(), "every value is in a bin");
        }
    }
}

#[test]
fn a_units_part_is_pytorchs() {
    let expected = fixture();
    for layer in ["conv1", "fc1"] {
        let found = see(&View::Ablation { layer: layer.parse().unwrap(), split: SPLIT }).unwrap();
        near(&found["loss"], &expected["ablation"]["loss"], 1e-5);
        near(&found["error"], &expected["ablation"]["error"], 1e-9);
        let rows = found["units"].as_array().unwrap().iter().zip(expected["ablation"][layer].as_array().unwrap());
        for (found, expected) in rows {
            near(&found["loss"], &expected["loss"], 1e-5);
            // Two of a thousand answers may hang on the last bits.
            assert!((found["error"].as_f64().unwrap() - expected["error"].as_f64().unwrap()).abs() < 0.21);
        }
    }
    let wants = View::Wants { layer: "conv2".parse().unwrap(), unit: 2, split: SPLIT, seed: 1 };
    let found = see(&wants).unwrap();
    let images = found["images"].as_array().unwrap();
    let numbers: Vec<&Value> = images.iter().map(|image| &image["number"]).collect();
    assert_eq!(numbers, expected["wants"]["numbers"].as_array().unwrap().iter().collect::<Vec<_>>());
    let outputs = Value::from(images.iter().map(|image| image["output"].clone()).collect::<Vec<_>>());
    near(&outputs, &expected["wants"]["outputs"], 1e-4);
    // The optimised image drives the unit further than any digit does, the same from the same seed.
    assert!(found["optimised"]["output"].as_f64() > images[0]["output"].as_f64());
    assert_eq!(see(&wants).unwrap()["optimised"], found["optimised"]);
}

#[test]
fn filters_are_the_weights() {
    let seen = see(&View::Filters).unwrap();
    let layers = seen["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    let conv2: Vec<f32> = serde_json::from_value(layers[1]["weights"].clone()).unwrap();
    assert_eq!(conv2, snapshot().weights[2].values);
    assert_eq!((&layers[1]["maps"], &layers[1]["inputs"], &layers[1]["side"]), (&5.into(), &3.into(), &5.into()));
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let layer = |name: &str| name.parse().unwrap();
    let why = see(&View::Ablation { layer: layer("conv3"), split: SPLIT }).unwrap_err();
    assert_eq!(why, "the network has no hidden layer conv3; it has conv1, conv2, fc1");
    let why = see(&View::Wants { layer: layer("fc1"), unit: 7, split: SPLIT, seed: 1 }).unwrap_err();
    assert_eq!(why, "fc1 has no unit 7: they are counted from 0 to 6");
    let why = see(&View::Ask { image: ViewImage::Of { split: SPLIT, number: 1200 } }).unwrap_err();
    assert_eq!(why, "there is no validation image 1200: they are counted from 0 to 1199");
    let why = see(&View::Maps { image: ViewImage::Pixels(vec![0; 5]) }).unwrap_err();
    assert_eq!(why, "the image has 5 values; the network's are of 28x28 grey pixels, 784 values");
    // A view that is stopped shows nothing.
    let data = Dataset::load(&DataSource::Mnist).unwrap();
    let subject = Subject::new(&snapshot(), &study(), &data, &[]).unwrap();
    let seen: Option<Seen> = subject.view(&View::Confusion { split: SPLIT }, &mut || true).unwrap();
    assert_eq!(seen, None);
}
