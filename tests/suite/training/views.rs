//! Views of a checkpoint against PyTorch's numbers (`tests/tools/views.py`), and what is refused.

use crate::common::small_network::{self, mnist};
use learn::Snapshot;
use learn::train::LaneSettings;
use learn::view::Subject;
use protocol::{ArmId, ImageSplit, Lane, Layer, Seen, Study, Surgery, UnitChange, View, ViewImage};
use serde_json::Value;

fn study() -> Study {
    "relu-tanh | widths=3,5,7 images=2000 val=1200 seeds=1".parse().unwrap()
}

const LANE: Lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };

/// The script's network.
fn snapshot() -> Snapshot {
    small_network::snapshot(LANE, 1, 1.0, 4)
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../fixtures/views.json")).unwrap()
}

fn see(view: &View) -> Result<Value, String> {
    see_changed(&[], view)
}

fn see_changed(changes: &[UnitChange], view: &View) -> Result<Value, String> {
    see_of(&snapshot(), &study(), changes, view)
}

fn see_of(snapshot: &Snapshot, study: &Study, changes: &[UnitChange], view: &View) -> Result<Value, String> {
    let subject = Subject::new(snapshot, study, mnist(), changes).map_err(|error| error.to_string())?;
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
    let pixels = mnist().validation(1200).pixels()[17 * 784..][..784].to_vec();
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
    let why = see(&View::Ablation { layer: layer("conv3"), split: SPLIT }).unwrap_err();
    assert_eq!(why, "the network has no hidden layer conv3; it has conv1, conv2, fc1");
    let why = see(&View::Wants { layer: layer("fc1"), unit: 7, split: SPLIT, seed: 1 }).unwrap_err();
    assert_eq!(why, "fc1 has no unit 7: they are counted from 0 to 6");
    let why = see(&View::Ask { image: ViewImage::Of { split: SPLIT, number: 1200 } }).unwrap_err();
    assert_eq!(why, "there is no validation image 1200: they are counted from 0 to 1199");
    let why = see(&View::Maps { image: ViewImage::Pixels(vec![0; 5]) }).unwrap_err();
    assert_eq!(why, "the image has 5 values; the network's are of 28x28 grey pixels, 784 values");
    // A view that is stopped shows nothing.
    let subject = Subject::new(&snapshot(), &study(), mnist(), &[]).unwrap();
    let seen: Option<Seen> = subject.view(&View::Confusion { split: SPLIT }, &mut || true).unwrap();
    assert_eq!(seen, None);
}

fn layer(name: &str) -> Layer {
    name.parse().unwrap()
}

fn scale(name: &str, unit: u32, factor: f32) -> UnitChange {
    UnitChange { layer: layer(name), unit, change: Surgery::Scale(factor) }
}

fn revive(name: &str, unit: u32) -> UnitChange {
    UnitChange { layer: layer(name), unit, change: Surgery::Revive }
}

fn image(number: u32) -> ViewImage {
    ViewImage::Of { split: SPLIT, number }
}

fn floats(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn ablation(name: &str) -> View {
    View::Ablation { layer: layer(name), split: SPLIT }
}

/// What the ablation view shows of a unit is what is shown of the network in which it is silenced.
#[test]
fn a_silenced_unit_leaves_what_its_ablation_shows() {
    for name in ["conv1", "fc1"] {
        let whole = see(&ablation(name)).unwrap();
        for (unit, expected) in whole["units"].as_array().unwrap().iter().enumerate() {
            let found = see_changed(&[scale(name, unit as u32, 0.0)], &ablation(name)).unwrap();
            near(&found["loss"], &expected["loss"], 1e-6);
            near(&found["error"], &expected["error"], 1e-9);
            // Without it a second time nothing more is lost.
            near(&found["units"][unit]["loss"], &found["loss"], 1e-9);
            assert_ne!(found["loss"], whole["loss"], "{name} unit {unit} has a part in the answers");
        }
    }
    // The map that is never active has none.
    let dead = see_changed(&[scale("conv2", 4, 0.0)], &ablation("fc1")).unwrap();
    near(&dead["loss"], &see(&ablation("fc1")).unwrap()["loss"], 1e-9);
}

#[test]
fn a_scale_of_one_changes_nothing() {
    let ones = [scale("conv1", 0, 1.0), scale("fc1", 6, 1.0)];
    for view in [View::Filters, View::Maps { image: image(17) }, View::Ask { image: image(17) }, ablation("fc1")] {
        assert_eq!(see_changed(&ones, &view).unwrap(), see(&view).unwrap());
    }
    // LibTorch answers in place of the fused kernels, to the same image.
    let view = View::Confusion { split: SPLIT };
    assert_eq!(see_changed(&ones, &view).unwrap()["matrix"], fixture()["matrix"]);
    let twice = [scale("fc1", 3, 4.0), scale("fc1", 3, 0.25)];
    let view = View::Maps { image: image(17) };
    assert_eq!(see_changed(&twice, &view).unwrap(), see(&view).unwrap(), "scales of a unit are multiplied");
}

#[test]
fn changed_networks_are_pytorchs() {
    let cases = fixture()["changed"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let changes: Vec<UnitChange> = serde_json::from_value(case["changes"].clone()).unwrap();
        let asked = see_changed(&changes, &View::Ask { image: image(17) }).unwrap();
        // A revived bias of -1000 has the precision of a thousand.
        near(&asked["probabilities"], &case["probabilities"], 1e-3);
        let found = see_changed(&changes, &ablation("fc1")).unwrap();
        near(&found["loss"], &case["loss"], 1e-4);
        assert!((found["error"].as_f64().unwrap() - case["error"].as_f64().unwrap()).abs() < 0.21);
        let confusion = see_changed(&changes, &View::Confusion { split: SPLIT }).unwrap();
        let mistakes = see_changed(&changes, &View::Mistakes { split: SPLIT }).unwrap();
        let rows = confusion["matrix"].as_array().unwrap().iter().enumerate();
        let right: u64 = rows.map(|(at, row)| row[at].as_u64().unwrap()).sum();
        assert_eq!(mistakes["wrong"], 1200 - right);
        assert_ne!(confusion["matrix"], fixture()["matrix"], "{changes:?}");
    }
}

/// A scale is of the output alone: the pre-activations and how flat the activation is there stay.
#[test]
fn a_scale_multiplies_outputs_and_nothing_before_them() {
    let half = [scale("conv2", 1, 0.5), scale("fc1", 3, 0.5)];
    let view = View::Maps { image: image(17) };
    let (whole, changed) = (see(&view).unwrap(), see_changed(&half, &view).unwrap());
    let of = |maps: &Value, at: usize, what: &str| floats(&maps["layers"][at][what]);
    assert_eq!(of(&changed, 0, "y"), of(&whole, 0, "y"));
    for what in ["z", "y"] {
        let factor = if what == "y" { 0.5 } else { 1.0 };
        let expected = of(&whole, 1, what).into_iter().enumerate();
        let expected: Vec<f64> =
            expected.map(|(at, value)| if at / 25 == 1 { factor * value } else { value }).collect();
        assert!(expected.iter().skip(25).take(25).any(|value| *value != 0.0));
        assert_eq!(of(&changed, 1, what), expected, "{what}");
    }
    let fc1 = of(&changed, 2, "z")[3].tanh() / 2.0;
    assert!((of(&changed, 2, "y")[3] - fc1).abs() < 1e-6);
    let view = View::Units { split: SPLIT };
    let saturated = |changes: &[UnitChange]| see_changed(changes, &view).unwrap()["layers"][2]["saturated"].clone();
    assert_eq!(saturated(&[scale("fc1", 3, 0.5)]), saturated(&[]));
}

#[test]
fn a_revived_unit_is_active() {
    let dead = |changes: &[UnitChange]| {
        see_changed(changes, &View::Units { split: SPLIT }).unwrap()["layers"][1]["dead"].clone()
    };
    assert_eq!((dead(&[]), dead(&[revive("conv2", 4)])), (serde_json::json!([4]), serde_json::json!([])));
    assert_eq!(dead(&[revive("conv2", 4), scale("conv2", 4, 0.0)]), serde_json::json!([4]), "a scale stays");
}

/// A network of seed 1 before training.
fn untrained(study: &str) -> (Snapshot, Study) {
    let study: Study = study.parse().unwrap();
    let lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
    let net = LaneSettings::new(&study, lane).unwrap().network(mnist().shape(), 10, lane.seed);
    (small_network::snapshot_of(LANE, 1, net.weights()), study)
}

/// Where a pooling or a batch normalisation stands in front of the activation, and where none does.
#[test]
fn a_revived_unit_has_a_mean_of_zero() {
    const IMAGES: u32 = 30;
    for norm in ["none", "batch", "local"] {
        let text = format!("relu-tanh | net=convnet widths=3,4,5,6 images=200 val={IMAGES} seeds=1 norm={norm}");
        let (snapshot, study) = untrained(&text);
        for (at, name) in ["conv1", "conv2", "conv3", "fc1"].into_iter().enumerate() {
            let mean = |changes: &[UnitChange]| {
                let subject = Subject::new(&snapshot, &study, mnist(), changes).unwrap();
                let of_image = |number: u32| {
                    let seen = subject.view(&View::Maps { image: image(number) }, &mut || false).unwrap();
                    let Some(Seen::Maps { layers, .. }) = seen else { panic!("{seen:?}") };
                    let length = (layers[at].height * layers[at].width) as usize;
                    layers[at].z[2 * length..][..length].to_vec()
                };
                let values: Vec<f64> = (0..IMAGES).flat_map(of_image).map(f64::from).collect();
                values.iter().sum::<f64>() / values.len() as f64
            };
            let (before, after) = (mean(&[]), mean(&[revive(name, 2)]));
            assert!(after.abs() < 1e-5 && after.abs() < 1e-2 * before.abs(), "{norm} {name}: {before}, then {after}");
        }
    }
}

/// z less the bias and the products, and z.
fn rest_of_sum(products: &Value) -> (f64, f64) {
    let (x, weights) = (floats(&products["x"]), floats(&products["weights"]));
    assert_eq!(x.len(), weights.len());
    let side = products["side"].as_u64().unwrap();
    assert_eq!(x.len() as u64, products["inputs"].as_u64().unwrap() * side * side);
    let sum: f64 = x.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
    let z = products["z"].as_f64().unwrap();
    (z - products["bias"].as_f64().unwrap() - sum, z)
}

#[test]
fn a_sum_of_products_is_pytorchs() {
    let cases = fixture()["products"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 4);
    let view = |case: &Value| {
        let number = |key: &str| case[key].as_u64().unwrap() as u32;
        let name = case["layer"].as_str().unwrap();
        let (unit, row, column) = (number("unit"), number("row"), number("column"));
        View::Products { image: image(17), layer: layer(name), unit, row, column }
    };
    for case in &cases {
        let found = see(&view(case)).unwrap();
        let (rest, z) = rest_of_sum(&found);
        assert!(rest.abs() < 1e-4, "{}: {rest}", case["layer"]);
        near(&found["z"], &case["z"], 1e-4);
        let expected = match found["activation"].as_str() {
            Some("relu") => z.max(0.0),
            Some("tanh") => z.tanh(),
            None => z,
            other => panic!("{other:?}"),
        };
        assert!((found["y"].as_f64().unwrap() - expected).abs() < 1e-6, "{}", case["layer"]);
    }
    let activations: Vec<Value> = cases.iter().map(|case| see(&view(case)).unwrap()["activation"].clone()).collect();
    assert_eq!(Value::from(activations), serde_json::json!(["relu", "relu", "tanh", null]));
    let size = |name: &str| {
        let found = see(&View::Products { image: image(17), layer: layer(name), unit: 0, row: 0, column: 0 }).unwrap();
        ["height", "width", "inputs", "side"].map(|key| found[key].as_u64().unwrap())
    };
    assert_eq!(size("conv1"), [28, 28, 1, 5]);
    assert_eq!(size("conv2"), [10, 10, 3, 5]);
    assert_eq!(size("fc1"), [1, 1, 125, 1]);
    // Of a changed network they are the changed inputs and outputs.
    let changes = [scale("conv2", 0, 0.0), scale("fc1", 6, 0.5)];
    let fc1 = see_changed(&changes, &view(&cases[2])).unwrap();
    let (rest, z) = rest_of_sum(&fc1);
    assert!(rest.abs() < 1e-4 && floats(&fc1["x"])[..25].iter().all(|x| *x == 0.0));
    assert!((fc1["y"].as_f64().unwrap() - z.tanh() / 2.0).abs() < 1e-6);
}

/// In front of a pooling, and in maps that are padded.
#[test]
fn sums_of_products_are_what_the_layers_compute() {
    let at = |image: &ViewImage, name: &str, unit: u32, row: u32, column: u32| View::Products {
        image: image.clone(),
        layer: layer(name),
        unit,
        row,
        column,
    };
    let z = |found: Value| found["z"].as_f64().unwrap();
    // LeNet-4 pools four places of a map before its activation.
    let maps = see(&View::Maps { image: image(5) }).unwrap();
    for (row, column) in [(0, 0), (6, 7), (13, 13)] {
        let places = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(down, right)| (2 * row + down, 2 * column + right));
        let sums = places.map(|(row, column)| z(see(&at(&image(5), "conv1", 1, row, column)).unwrap()));
        let pooled = floats(&maps["layers"][0]["z"])[(196 + row * 14 + column) as usize];
        assert!((sums.into_iter().fold(f64::MIN, f64::max) - pooled).abs() < 1e-6, "{row}, {column}");
    }
    // The convnet's second convolution has two zeros around its maps, and no pooling before its activation. No pixel of
    // this image is like its neighbours, so that its corners have inputs.
    let (snapshot, study) = untrained("relu-tanh | net=convnet widths=8,4,5,6 images=200 val=30 seeds=1");
    let see = |view: &View| see_of(&snapshot, &study, &[], view).unwrap();
    let noise = ViewImage::Pixels((0..784_u32).map(|k| (k * k * 37 % 251) as u8).collect());
    let maps = see(&View::Maps { image: noise.clone() });
    let conv2 = &maps["layers"][1];
    let [height, width] = ["height", "width"].map(|key| conv2[key].as_u64().unwrap() as u32);
    for (row, column) in [(0, 0), (5, 3), (height - 1, width - 1)] {
        let found = see(&at(&noise, "conv2", 3, row, column));
        assert!(rest_of_sum(&found).0.abs() < 1e-5, "{row}, {column}");
        let expected = floats(&conv2["z"])[((3 * height + row) * width + column) as usize];
        assert!((z(found) - expected).abs() < 1e-6, "{row}, {column}");
    }
    let corner = floats(&see(&at(&noise, "conv2", 3, 0, 0))["x"]);
    assert!(corner.chunks(25).all(|map| map[..10].iter().all(|x| *x == 0.0)), "two rows of zeros");
    assert!(corner.iter().any(|x| *x != 0.0));
}

#[test]
fn many_images_are_answered_as_each_of_them_is() {
    let images: Vec<Vec<u8>> = mnist().validation(1200).pixels().chunks(784).take(300).map(<[u8]>::to_vec).collect();
    let changes = [scale("conv1", 1, 0.5)];
    for (changes, number) in [(&changes[..0], 299), (&changes[..], 17)] {
        let found = see_changed(changes, &View::Answers { images: images.clone() }).unwrap();
        assert_eq!(found["probabilities"].as_array().unwrap().len(), 300);
        let asked = see_changed(changes, &View::Ask { image: image(number) }).unwrap();
        near(&found["probabilities"][number as usize], &asked["probabilities"], 1e-5);
        assert_eq!(found["classes"], asked["classes"]);
    }
    let none = see(&View::Answers { images: Vec::new() }).unwrap();
    assert_eq!(none["probabilities"], serde_json::json!([]));
    let why = see(&View::Answers { images: vec![images[0].clone(), vec![0; 5]] }).unwrap_err();
    assert!(why.starts_with("image 1, counted from 0, has 5 values; the network's are of 28x28 grey pixels"), "{why}");
}

#[test]
fn changes_that_can_not_be_made_are_named() {
    let refused = |change: UnitChange| see_changed(&[change], &View::Filters).unwrap_err();
    assert_eq!(refused(scale("conv3", 0, 0.0)), "the network has no hidden layer conv3; it has conv1, conv2, fc1");
    assert_eq!(refused(revive("fc2", 0)), "the network has no hidden layer fc2; it has conv1, conv2, fc1");
    assert_eq!(refused(revive("conv2", 5)), "conv2 has no unit 5: they are counted from 0 to 4");
    for factor in [f32::NAN, f32::INFINITY, -1001.0] {
        let why = refused(scale("fc1", 2, factor));
        assert!(why.contains("fc1 unit 2") && why.contains("take a factor from -1000 to 1000"), "{why}");
    }
    let products = |name: &str, unit: u32, row: u32, column: u32| {
        see(&View::Products { image: image(0), layer: layer(name), unit, row, column }).unwrap_err()
    };
    assert_eq!(products("conv3", 0, 0, 0), "the network has no layer conv3; it has conv1, conv2, fc1, fc2");
    assert_eq!(products("fc2", 10, 0, 0), "fc2 has no unit 10: they are counted from 0 to 9");
    assert_eq!(products("fc1", 0, 1, 0), "fc1 has one output a unit; take row 0 and column 0");
    let why = products("conv1", 0, 28, 3);
    assert!(why.contains("no place in row 28, column 3") && why.contains("to 27, columns to 27"), "{why}");
}
