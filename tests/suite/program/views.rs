//! `relu view` on a run that was trained here: with the kernel, from the checkpoint to the picture.

use crate::common::cli::TestHome;
use serde_json::Value;
use std::fs;

/// A home with a run of two arms, two seeds and three epochs.
fn trained() -> TestHome {
    let home = TestHome::new();
    let study = "relu-tanh; all-tanh | widths=2,3,20 images=600 val=200 epochs=3 seeds=1-2 batch=50";
    home.run(&["train", study, "--json"]).success();
    home
}

fn count(matrix: &Value, keep: impl Fn(usize, usize) -> bool) -> u64 {
    let rows = matrix.as_array().unwrap().iter().enumerate();
    let cells = rows.flat_map(|(truth, row)| {
        row.as_array().unwrap().iter().enumerate().map(move |(answer, count)| (truth, answer, count.as_u64().unwrap()))
    });
    cells.filter(|(truth, answer, _)| keep(*truth, *answer)).map(|(.., count)| count).sum()
}

/// The confusion of every kept epoch has the validation error that the run recorded then.
#[test]
fn a_kept_epoch_shows_the_recorded_error() {
    let home = trained();
    let csv = home.text(&["runs", "export", "1"]);
    let mut rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let column = |name: &str| head.iter().position(|own| *own == name).unwrap();
    let rows: Vec<Vec<&str>> = rows.collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let of = |name: &str| row[column(name)];
        let asked =
            ["view", "1", "confusion", "--arm", of("arm"), "--seed", of("seed"), "--epoch", of("epoch"), "--json"];
        let seen = home.json(&asked);
        assert_eq!((&seen["kind"], &seen["epoch"]), (&"confusion".into(), &of("epoch").parse::<u32>().unwrap().into()));
        assert_eq!(count(&seen["matrix"], |_, _| true), 200);
        let error = count(&seen["matrix"], |truth, answer| truth != answer) as f64 / 2.0;
        assert!((error - of("val_error").parse::<f64>().unwrap()).abs() < 1e-9, "{row:?}: {error}");
    }
    // The first arm and seed, the last epoch.
    let seen = home.json(&["view", "1", "confusion", "--json"]);
    assert_eq!((&seen["arm"], &seen["seed"], &seen["epoch"]), (&"relu-tanh".into(), &1.into(), &3.into()));
}

#[test]
fn every_view_has_words_numbers_and_a_picture() {
    let home = trained();
    let kinds = [
        "filters",
        "maps",
        "histogram",
        "units",
        "gradients",
        "confusion",
        "mistakes",
        "ask",
        "products",
        "wants",
        "ablation",
    ];
    for kind in kinds {
        let text = home.text(&["view", "1", kind]);
        assert!(text.starts_with("run 1, ReLU+Tanh seed 1, epoch 3\n") && text.lines().count() > 1, "{kind}: {text}");
        assert_eq!(home.json(&["view", "1", kind, "--json"])["kind"], kind);
        let file = home.path(&format!("{kind}.png"));
        home.run(&["view", "1", kind, "-o", file.to_str().unwrap()]).success();
        let mut picture =
            png::Decoder::new(std::io::BufReader::new(fs::File::open(&file).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; picture.output_buffer_size().unwrap()];
        picture.next_frame(&mut pixels).unwrap();
        // Paper, text and something in colour or grey.
        let colours: std::collections::HashSet<&[u8]> = pixels.chunks_exact(3).collect();
        assert!(colours.len() > 8, "{kind} has {} colours", colours.len());
    }
    let (code, why) = home.refusal(&["view", "1", "ask", "-o", home.path("ask.jpg").to_str().unwrap()]);
    assert!(code == 2 && why.contains("a name that ends in .png") && !home.path("ask.jpg").exists(), "{why}");
    let (code, why) = home.refusal(&["view", "1", "ask", "-o", home.path("ask.png").to_str().unwrap()]);
    assert!(code == 2 && why.contains("is there already"), "{why}");
}

/// A PNG of the data set's size is asked about as it is.
#[test]
fn a_picture_of_ones_own_is_answered() {
    let home = trained();
    let maps = home.json(&["view", "1", "maps", "--digit", "validation:5", "--json"]);
    let pixels: Vec<u8> = serde_json::from_value(maps["image"]["pixels"].clone()).unwrap();
    let write = |name: &str, colour: png::ColorType, (width, height): (u32, u32), pixels: &[u8]| {
        let path = home.path(name);
        let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), width, height);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let stored = home.json(&["view", "1", "ask", "--digit", "validation:5", "--json"]);
    let with_opacity: Vec<u8> = pixels.iter().flat_map(|value| [*value, *value, *value, 255]).collect();
    for digit in [
        write("grey.png", png::ColorType::Grayscale, (28, 28), &pixels),
        write("rgba.png", png::ColorType::Rgba, (28, 28), &with_opacity),
    ] {
        let drawn = home.json(&["view", "1", "ask", "--digit", &digit, "--json"]);
        assert_eq!(drawn["probabilities"], stored["probabilities"], "{digit}");
        assert!(stored["truth"].is_u64() && drawn["truth"].is_null());
    }
    // As many values as the images have, in other rows.
    let flat = write("flat.png", png::ColorType::Grayscale, (56, 14), &pixels);
    let red: Vec<u8> = pixels.iter().flat_map(|value| [*value, 0, 0]).collect();
    let red = write("red.png", png::ColorType::Rgb, (28, 28), &red);
    for (digit, parts) in [
        (flat, ["flat.png is 56x14 grey, and the run's images are 28x28 grey", "scale it to 28x28 pixels"]),
        (red, ["red.png is 28x28 RGB, and the run's images are 28x28 grey", "make it grey"]),
    ] {
        let (code, why) = home.refusal(&["view", "1", "products", "--digit", &digit]);
        assert!(code == 2 && parts.iter().all(|part| why.contains(part)), "{code}: {why}");
    }
    fs::write(home.path("text.png"), "no picture").unwrap();
    let (code, why) = home.refusal(&["view", "1", "ask", "--digit", home.path("text.png").to_str().unwrap()]);
    assert!(code == 2 && why.contains("is no PNG"), "{code}: {why}");
    for (digit, part) in [
        ("", "--digit is empty"),
        ("validation:99999999999", "the number is too large"),
        ("validation:x", "take a whole number"),
    ] {
        let (code, why) = home.refusal(&["view", "1", "ask", "--digit", digit]);
        assert!(code == 2 && why.contains(part), "{code}: {why}");
    }
    let (code, why) = home.refusal(&["view", "1", "ask", "--digit", "nowhere.png"]);
    assert!(code == 1 && why.contains("--digit nowhere.png can't be read"), "{code}: {why}");
}

#[test]
fn what_can_not_be_seen_is_named() {
    let home = trained();
    let (code, why) = home.refusal(&["view", "9", "filters"]);
    assert!(code == 1 && why.contains("there is no run 9"), "{code}: {why}");
    let (_, why) = home.refusal(&["view", "1", "filters", "--epoch", "7"]);
    assert!(why.contains("keeps no checkpoint of epoch 7") && why.contains("nearest that it keeps: 3"), "{why}");
    let (_, why) = home.refusal(&["view", "1", "filters", "--arm", "gelu-gelu"]);
    assert!(why.contains("has no arm gelu-gelu; it has relu-tanh, all-tanh"), "{why}");
    let (_, why) = home.refusal(&["view", "1", "filters", "--seed", "5"]);
    assert!(why.contains("it has 1, 2"), "{why}");
    let file = home.path("home/runs/1/relu-tanh-s1/epoch-0002.safetensors");
    assert!(file.is_file(), "{}", file.display());
    fs::write(&file, "damaged").unwrap();
    let (code, why) = home.refusal(&["view", "1", "filters", "--epoch", "2"]);
    assert!(code == 1 && why.contains("look at another epoch"), "{code}: {why}");
    home.run(&["view", "1", "filters", "--epoch", "1"]).success();
}

/// Changes hold for the answer and not for the checkpoint.
#[test]
fn units_are_changed_for_one_view() {
    let home = trained();
    let file = home.path("home/runs/1/relu-tanh-s1/epoch-0003.safetensors");
    let before = fs::read(&file).unwrap();
    let changes = ["--revive", "conv2:1", "--scale", "fc1:7=0.5", "--silence", "conv1:0", "--silence", "conv1:1"];
    let with_changes = |arguments: &[&'static str]| [&["view", "1"], arguments, &changes[..]].concat();
    // Silences come first, then scales, then revivals.
    let text = home.text(&with_changes(&["ask"]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "run 1, ReLU+Tanh seed 1, epoch 3");
    assert_eq!(lines[1], "changed: conv1:0 silenced, conv1:1 silenced, fc1:7 scaled by 0.5, conv2:1 revived");
    assert_eq!(lines[2], "image: validation:0");
    let seen = home.json(&with_changes(&["maps", "--json"]));
    assert_eq!(seen["changes"].as_array().unwrap().len(), 4);
    assert_eq!(seen["changes"][2], serde_json::json!({ "layer": "fc1", "unit": 7, "change": { "scale": 0.5 } }));
    // Both maps of the first layer are silent.
    assert!(seen["layers"][0]["y"].as_array().unwrap().iter().all(|value| value.as_f64() == Some(0.0)));
    let picture = home.path("units.png");
    home.run(&[&["view", "1", "units", "-o", picture.to_str().unwrap()], &changes[..]].concat()).success();
    // The same question without changes is another one.
    let whole = home.json(&["view", "1", "maps", "--json"]);
    assert!(whole["changes"].is_null() && whole["layers"][0]["y"] != seen["layers"][0]["y"]);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn products_are_of_the_place_that_is_named() {
    let home = trained();
    let place = ["--layer", "conv1", "--unit", "1", "--row", "12", "--column", "9", "--digit", "test:4"];
    let words = home.text(&[&["view", "1", "products"], &place[..]].concat());
    assert!(words.contains("conv1 unit 1, row 12, column 9 of 28x28, of 25 inputs"), "{words}");
    let seen = home.json(&[&["view", "1", "products", "--json"], &place[..]].concat());
    let numbers = |key: &str| -> Vec<f64> { serde_json::from_value(seen[key].clone()).unwrap() };
    let sum: f64 = numbers("x").iter().zip(numbers("weights")).map(|(x, weight)| x * weight).sum();
    let [bias, z] = ["bias", "z"].map(|key| seen[key].as_f64().unwrap());
    assert!((bias + sum - z).abs() < 1e-5, "{bias} and {sum} are not {z}");
    assert!(words.contains(&format!("z, their sum      {z:>10.4}")), "{words}");
    let (code, why) = home.refusal(&["view", "1", "products", "--layer", "fc1", "--row", "2"]);
    assert!(code == 1 && why.contains("take row 0 and column 0"), "{code}: {why}");
}

/// An option that a view would ignore is refused before anything is computed.
#[test]
fn an_option_of_other_views_is_refused() {
    let home = TestHome::new();
    for (kind, option, value, takers) in [
        ("units", "--digit", "validation:3", "maps, ask, products"),
        ("ablation", "--digit", "validation:3", "maps, ask, products"),
        ("ablation", "--unit", "3", "products, wants"),
        ("filters", "--layer", "conv1", "products, wants, ablation"),
    ] {
        let (code, why) = home.refusal(&["view", "1", kind, option, value]);
        assert!(code == 2 && why.contains(&format!("{kind} takes no {option}")) && why.contains(takers), "{why}");
    }
}

#[test]
fn changes_that_can_not_be_made_are_named() {
    let home = trained();
    let (code, why) = home.refusal(&["view", "1", "ask", "--silence", "conv1:9"]);
    assert!(code == 1 && why.contains("conv1 has no unit 9: they are counted from 0 to 1"), "{code}: {why}");
    let (code, why) = home.refusal(&["view", "1", "ask", "--revive", "conv7:0"]);
    assert!(code == 1 && why.contains("no hidden layer conv7; it has conv1, conv2, fc1"), "{code}: {why}");
    for (flag, text, part) in [
        ("--silence", "conv1", "is no unit, such as conv1:3"),
        ("--revive", "conv1:x", "is no unit, such as conv1:3"),
        ("--scale", "fc1:7", "has no factor, as in fc1:7=0.5"),
        ("--scale", "fc1:7=inf", "take a finite number"),
    ] {
        let (code, why) = home.refusal(&["view", "1", "ask", flag, text]);
        assert!(code == 2 && why.contains(part), "{flag} {text}: {code}: {why}");
    }
}
