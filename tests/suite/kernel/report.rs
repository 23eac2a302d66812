//! Runs taken away: `relu report`'s page and `relu runs export`'s event files say what the store has.
//!
//! Two tests are ignored, because they need other programs. Each finds its program in the path, or by a variable:
//!
//! ```text
//! python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tensorboard
//! TENSORBOARD_PYTHON=/tmp/venv/bin/python cargo test --test suite -- --ignored tensorboard
//! CHROMIUM=chromium REPORT_SHOTS=/tmp/shots cargo test --test suite -- --ignored browser    # Debian: apt install chromium
//! ```

use crate::common::cli as common;
use crate::common::cli::TestHome;
use protocol::{ArmId, EpochRecord, Lane, Measurement, Metric, RunId, RunState, Study, WrongImages};
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use store::{CheckpointRow, Home, LaneState, Store};

/// A name that would be markup if it were not escaped.
const NAME: &str = "<b>&\"first\"</b> \u{202e}x";

/// A home with two finished runs. Their errors follow from arm, seed and epoch.
struct Runs {
    home: TestHome,
    store: Store,
}

fn error(arm: usize, seed: u64, epoch: u32) -> f64 {
    1.2 + 0.05 * arm as f64 + 0.04 * seed as f64 + 2.0 / f64::from(epoch)
}

impl Runs {
    fn new() -> Self {
        let home = TestHome::new();
        let place = Home::at(home.folder()).unwrap();
        place.prepare().unwrap();
        let mut runs = Self { store: Store::open(&place).unwrap(), home };
        let first = runs.add("relu-tanh; all-tanh lr=0.05 | seeds=1-3 epochs=20");
        runs.store.rename(first, Some(NAME)).unwrap();
        runs.add("relu-tanh | seeds=1-3 epochs=20 batch=50");
        runs
    }

    fn add(&mut self, text: &str) -> RunId {
        let study: Study = text.parse().unwrap();
        let run = self.store.create_run(&study, None).unwrap();
        let arms: Vec<ArmId> = study.arm_ids().collect();
        for lane in study.lanes() {
            let arm = arms.iter().position(|arm| *arm == lane.arm).unwrap() + usize::from(run.0 > 1);
            for epoch in 1..=study.epochs {
                self.measure(run, lane, epoch, error(arm, lane.seed, epoch));
            }
            self.store.set_lane(run, lane, LaneState::Finished).unwrap();
        }
        self.store.set_state(run, &RunState::Finished).unwrap();
        run
    }

    fn measure(&mut self, run: RunId, lane: Lane, epoch: u32, error: f64) {
        let measured = [
            (Metric::TrainLoss, error / 30.0),
            (Metric::ValError, error),
            (Metric::TestError, error - 0.1),
            (Metric::Seconds, 1.5),
            (Metric::ImagesPerSecond, 1e5),
        ];
        let mut record = EpochRecord::new(lane, epoch, measured);
        let layer = "fc1".parse().ok();
        record.measured.set(Measurement { metric: Metric::Zeros, layer, value: 100.0 / f64::from(epoch) });
        let file = format!("epoch-{epoch:04}.safetensors");
        let row = CheckpointRow { lane, epoch, file, sha256: "00".repeat(32) };
        self.store.commit_epoch(run, (&record, &WrongImages::default()), &row, &[], f64::from(epoch)).unwrap();
    }

    /// Writes the page and returns its path and text.
    fn report(&self, runs: &[&str]) -> (PathBuf, String) {
        let path = self.home.path("report.html");
        let path_text = path.display().to_string();
        self.home.run(&[&["report"], runs, &["-o", &path_text]].concat()).success();
        let page = common::text(&path);
        (path, page)
    }
}

fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|fault| panic!("{fault}\n{page}"))
}

fn text(node: Node) -> String {
    node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect::<String>().trim().into()
}

fn section<'a, 'i>(page: &'a Document<'i>, id: &str) -> Node<'a, 'i> {
    let found = page.descendants().find(|node| node.attribute("id") == Some(id));
    found.unwrap_or_else(|| panic!("there is no section {id}"))
}

/// The rows of the first table of a section, its header first.
fn table(page: &Document, id: &str) -> Vec<Vec<String>> {
    let rows = section(page, id).descendants().filter(|node| node.has_tag_name("tr"));
    rows.map(|row| row.children().filter(Node::is_element).map(text).collect()).collect()
}

fn all(page: &Document, id: &str, name: &str) -> Vec<String> {
    section(page, id).descendants().filter(|node| node.has_tag_name(name)).map(text).collect()
}

#[test]
fn a_report_has_the_numbers_of_the_store() {
    let runs = Runs::new();
    let (_, page) = runs.report(&["1", "2"]);
    let page = parse(&page);
    let rows = table(&page, "arms");
    let header = [
        "arm",
        "seeds",
        "epoch",
        "validation error, %",
        "sd",
        "lowest of any seed, %",
        "test error, %",
        "sd",
        "epochs to 1.37 %",
    ];
    assert_eq!(rows[0], header);
    let titles: Vec<&str> = rows[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(titles, ["ReLU+Tanh (run 1)", "all-Tanh lr 0.05 (run 1)", "ReLU+Tanh batch 50 (run 2)"]);
    for (number, (row, arm)) in rows[1..].iter().zip([0, 1, 1]).enumerate() {
        let values = [1, 2, 3].map(|seed| error(arm, seed, 20));
        let mean = values.iter().sum::<f64>() / 3.0;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        let came: Vec<f64> = [1, 2, 3]
            .iter()
            .filter_map(|&seed| (1..=20).find(|&epoch| error(arm, seed, epoch) <= 1.37))
            .map(f64::from)
            .collect();
        let to_milestone = match came.len() {
            0 => "not in 20".into(),
            1 => format!("{:.0} (1 of 3 seeds)", came[0]),
            count => format!("{:.1} ({count} of 3 seeds)", came.iter().sum::<f64>() / count as f64),
        };
        let expected = [
            "3".to_string(),
            "20".into(),
            format!("{mean:.2}"),
            format!("{deviation:.2}"),
            format!("{:.2} @20", values[0]),
            format!("{:.2}", mean - 0.1),
            format!("{deviation:.2}"),
            to_milestone,
        ];
        assert_eq!(row[1..], expected, "row {number}");
    }
    let settings = table(&page, "settings");
    assert_eq!(settings[0], ["arm", "activations", "batch", "learning rate"]);
    assert_eq!(settings[1][1..], ["relu-tanh", "100", "0.1"]);
    assert_eq!(settings[2][1..], ["all-tanh", "100", "0.05"]);
    assert_eq!(settings[3][1..], ["relu-tanh", "50", "0.1"]);
}

#[test]
fn a_report_says_what_compare_says() {
    let runs = Runs::new();
    let (_, page) = runs.report(&["1", "2"]);
    let page = parse(&page);
    let pairs = [["1/relu-tanh", "1/all-tanh"], ["1/relu-tanh", "2"], ["1/all-tanh", "2"]];
    let expected = pairs.map(|[a, b]| {
        let compared = runs.home.json(&["compare", a, b, "--json"]);
        let text = |value: &Value| value.as_str().unwrap().to_string();
        format!("{} {}", text(&compared["sentence"]), text(&compared["threshold"]["sentence"]))
    });
    assert_eq!(all(&page, "differences", "li"), expected);
    for (id, run) in [("run-1", "1"), ("run-2", "2")] {
        let shown = runs.home.json(&["runs", "show", run, "--json"]);
        assert_eq!(all(&page, id, "code"), [shown["study"].as_str().unwrap()]);
        assert!(all(&page, id, "li").iter().any(|finding| finding.contains("wrong after epoch 20")), "{id}");
    }
}

/// What a browser, a mail program or an archive shows of it is the same everywhere, and for good.
#[test]
fn a_report_needs_nothing_beside_it() {
    let runs = Runs::new();
    let (_, page) = runs.report(&["1"]);
    for reference in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<b>", "\u{202e}"] {
        assert!(!page.contains(reference), "{reference}");
    }
    let page = parse(&page);
    let heading = page.descendants().find(|node| node.has_tag_name("h1")).map(text).unwrap();
    assert_eq!(heading, format!("Run 1: {}", NAME.replace('\u{202e}', "\\u{202e}")));
    let made = page.descendants().find(|node| node.attribute("class") == Some("made")).map(text).unwrap();
    assert!(made.starts_with(&format!("Made by relu-notebook {} on 2", env!("CARGO_PKG_VERSION"))), "{made}");
    // The validation error comes first, then the training loss, and what was measured of layers is folded.
    let titles = all(&page, "charts", "h3");
    assert_eq!(titles[..2], ["validation error", "training loss"]);
    assert_eq!(titles.last().map(String::as_str), Some("zeros in fc1"));
    let charts = section(&page, "charts").descendants().filter(|node| node.has_tag_name("svg")).count();
    assert_eq!(charts, titles.len());
}

/// Every colour of a picture is one of the sheet's, which has it for a light page and for a dark one.
#[test]
fn a_reports_colours_follow_the_readers_scheme() {
    let runs = Runs::new();
    let (_, page) = runs.report(&["1", "2"]);
    let parsed = parse(&page);
    let sheet = parsed.descendants().find(|node| node.has_tag_name("style")).map(text).unwrap();
    let mut used = BTreeSet::new();
    for node in parsed.descendants().filter(Node::is_element) {
        for attribute in node.attributes().filter(|a| ["fill", "stroke", "style"].contains(&a.name())) {
            assert!(!attribute.value().contains('#'), "{attribute:?} is one colour for all");
            used.extend(attribute.value().split("var(").skip(1).filter_map(|rest| rest.split(')').next()));
        }
    }
    assert!(used.contains("--paper") && used.contains("--arm-0") && used.contains("--arm-2"), "{used:?}");
    let (light, dark) = sheet.split_once("prefers-color-scheme: dark").unwrap();
    for name in used {
        for part in [light, dark] {
            assert!(part.contains(&format!("{name}: #")), "{name} has no colour");
        }
    }
}

#[test]
fn a_report_that_cannot_be_made_says_why() {
    let runs = Runs::new();
    let inside = runs.home.folder().join("report.html").display().to_string();
    for (arguments, code, word) in [
        (&["report"][..], 2, "RUN"),
        (&["report", "9"], 1, "run 9"),
        (&["report", "1", "1"], 2, "named twice"),
        (&["report", "1", "-o", &inside], 2, "another folder"),
    ] {
        let (status, stderr) = runs.home.refusal(arguments);
        assert!(status == code && stderr.contains(word), "{arguments:?}: {status} {stderr}");
    }
    let to_stdout = runs.home.text(&["report", "2"]);
    assert!(to_stdout.starts_with("<!DOCTYPE html>") && to_stdout.ends_with("</html>\n"));
}

/// A run without an epoch has a page, which says so.
#[test]
fn a_run_that_has_only_begun_has_a_report() {
    let mut runs = Runs::new();
    let run = runs.store.create_run(&"relu-tanh; all-tanh".parse().unwrap(), None).unwrap();
    let (_, page) = runs.report(&[&run.to_string()]);
    let page = parse(&page);
    assert_eq!(table(&page, "arms")[1][1..4], ["0 of 1", "–", "–"]);
}

#[test]
fn both_themes_and_both_pictures_are_exported() {
    let runs = Runs::new();
    let export = |name: &str, more: &[&str]| {
        let path = runs.home.path(name);
        let path_text = path.display().to_string();
        runs.home.run(&[&["runs", "export", "1", "-o", &path_text], more].concat()).success();
        std::fs::read(path).unwrap()
    };
    let [light, default, dark] = [
        export("light.svg", &["--theme", "light"]),
        export("default.svg", &[]),
        export("dark.svg", &["--theme", "dark"]),
    ]
    .map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(light, default);
    assert!(light.contains("fill=\"#FFFFFF\"") && !dark.contains("#FFFFFF"), "a dark page");
    // The first pixel is the page's.
    let first_pixel = |bytes: Vec<u8>| {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        [pixels[0], pixels[1], pixels[2]]
    };
    assert_eq!(first_pixel(export("a.png", &[])), [255; 3]);
    assert!(first_pixel(export("b.png", &["--theme", "dark"])).iter().all(|part| *part < 64));
    let (status, stderr) = runs.home.refusal(&["runs", "export", "1", "--format", "csv", "--theme", "dark"]);
    assert!(status == 2 && stderr.contains("--theme"), "{stderr}");
}

/// The scalars of an event file: read by `TensorBoard` itself, the reader that it is made for.
#[test]
#[ignore = "needs Python with tensorboard, see above"]
fn tensorboard_reads_an_exported_run() {
    let runs = Runs::new();
    let path = runs.home.path("run.tfevents");
    runs.home.run(&["runs", "export", "1", "-o", &path.display().to_string()]).success();
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/tfevents.py");
    let python = std::env::var("TENSORBOARD_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = std::process::Command::new(python).arg(tool).arg("read").arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let exported = runs.home.json(&["runs", "export", "1", "--format", "json"]);
    assert_eq!(read["version"], 2.0);
    assert_eq!(read["study"][0], exported["study"]);
    let created = exported["summary"]["created"].as_f64().unwrap();
    let epochs = exported["epochs"].as_array().unwrap();
    let mut points = 0;
    for epoch in epochs {
        let (arm, seed, number) = (epoch["arm"].as_str().unwrap(), &epoch["seed"], epoch["epoch"].as_u64().unwrap());
        let at = usize::try_from(number).unwrap() - 1;
        let layers = [("fc1.zeros", &epoch["layers"]["fc1"]["zeros"])];
        let whole = ["train_loss", "val_error", "test_error", "seconds"].map(|key| (key, &epoch[key]));
        for (key, value) in whole.into_iter().chain(layers) {
            let point = &read["scalars"][format!("{key}/{arm}/seed {seed}")][at];
            assert_eq!(point[0].as_u64(), Some(number), "{key}");
            assert_eq!(point[1].as_f64().map(|value| value as f32), value.as_f64().map(|value| value as f32), "{key}");
            assert_eq!(point[2].as_f64(), Some(created + 1.5 * number as f64));
            points += 1;
        }
    }
    assert_eq!(points, 2 * 3 * 20 * 5);
}

/// A browser draws the page in the scheme that it is asked for, and prints it.
#[test]
#[ignore = "needs Chromium, see above"]
fn a_browser_shows_a_report_in_both_schemes() {
    let runs = Runs::new();
    let (page, _) = runs.report(&["1", "2"]);
    let folder = std::env::var("REPORT_SHOTS").map_or_else(|_| runs.home.path("shots"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
    let run = |arguments: &[&str]| {
        let profile = runs.home.path("profile");
        let output = std::process::Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let count = |pixels: &[[u8; 3]], colour: [u8; 3]| pixels.iter().filter(|pixel| **pixel == colour).count();
    // Blink counts schemes: 0 is dark, 1 is light.
    for (name, scheme, background) in [("light", 1, app::Background::Light), ("dark", 0, app::Background::Dark)] {
        for (device, size) in [("desk", "1100,1600"), ("phone", "390,1600")] {
            let shot = folder.join(format!("{name}-{device}.png"));
            run(&[
                &format!("--blink-settings=preferredColorScheme={scheme}"),
                &format!("--window-size={size}"),
                &format!("--screenshot={}", shot.display()),
            ]);
            let pixels = pixels(&shot);
            let is_light = background == app::Background::Light;
            assert_eq!(pixels[0].iter().all(|part| *part > 128), is_light, "{name} {device}");
            for arm in 0..3 {
                let (red, green, blue) = app::arm_colour(arm, background);
                assert!(count(&pixels, [red, green, blue]) > 50, "{name} {device}: arm {arm}");
            }
        }
    }
    let pdf = folder.join("report.pdf");
    run(&[&format!("--print-to-pdf={}", pdf.display()), "--no-pdf-header-footer"]);
    assert!(std::fs::read(pdf).unwrap().starts_with(b"%PDF-"));
}

fn pixels(path: &Path) -> Vec<[u8; 3]> {
    let mut reader =
        png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let channels = info.color_type.samples();
    bytes.chunks_exact(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}
