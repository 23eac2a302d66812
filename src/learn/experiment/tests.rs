use super::*;
use datasets::SetError;
use protocol::{Effort, Figure};

struct Patient;

impl CellObserver for Patient {
    fn progress(&mut self, done: f64, _: &str, _: Option<&Outcome>) {
        assert!((0.0..=1.0).contains(&done));
    }
    fn should_stop(&mut self) -> bool {
        false
    }
}

struct Hasty;

impl CellObserver for Hasty {
    fn progress(&mut self, _: f64, _: &str, _: Option<&Outcome>) {}
    fn should_stop(&mut self) -> bool {
        true
    }
}

fn spec(toml: &str) -> ExperimentSpec {
    toml::from_str(toml).unwrap()
}

/// As where CIFAR-10 was never fetched.
fn only_mnist(source: &DataSource) -> Result<Arc<Dataset>, DataError> {
    if *source == DataSource::Mnist {
        return Dataset::load(source).map(Arc::new);
    }
    let (title, name) = ("CIFAR-10", "cifar10");
    Err(DataError::Set(SetError::Absent { title, name, folder: "/nowhere".into() }))
}

/// Runs it and checks what every outcome guarantees.
fn measure(toml: &str) -> Outcome {
    let cache = Cache::default();
    let context = Context { data: &only_mnist, cache: &cache };
    let outcome = run(&spec(toml), &context, &mut Patient).unwrap();
    assert!(!outcome.figures.is_empty() && !outcome.findings.is_empty());
    for finding in &outcome.findings {
        assert!(finding.value.is_some_and(f64::is_finite), "{}", finding.key);
    }
    for figure in &outcome.figures {
        if let Figure::Plot(plot) = figure {
            assert!(plot.series.iter().all(|s| s.points.iter().any(|p| p.1.is_some())), "{}", plot.title);
        }
    }
    outcome
}

fn value(outcome: &Outcome, key: &str) -> f64 {
    outcome.findings.iter().find(|f| f.key == key).unwrap_or_else(|| panic!("no {key}")).value.unwrap()
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
}

#[test]
fn sigmoid_is_four_times_flatter_than_tanh() {
    let outcome = measure("experiment = 'curves'");
    near(value(&outcome, "curves.steepest.sigmoid"), 0.25, 1e-12);
    near(value(&outcome, "curves.steepest.tanh"), 1.0, 1e-12);
    assert!(value(&outcome, "curves.ends.sigmoid") < 0.05);
    near(value(&outcome, "curves.ends.relu"), 1.0, 1e-12);
}

#[test]
fn the_simulated_neuron_fires_as_its_formula_says() {
    let outcome = measure("experiment = 'lif'\nmilliseconds = 1000");
    near(value(&outcome, "lif.threshold"), 0.2, 1e-9);
    assert!(value(&outcome, "lif.closed-form.gap") < 3.0);
    assert!(value(&outcome, "lif.rms.closed-form") < value(&outcome, "lif.rms.relu"));
}

/// Random features separate more easily than pixels, and trained ones more easily than random ones.
#[test]
fn probes_distinguish_features() {
    let outcome =
        measure("experiment = 'separability'\nwidth = 300\nimages = 2000\nepochs = 5\nactivations = ['relu']");
    let error = |key: &str| value(&outcome, &format!("separability.error.{key}"));
    assert!(error("trained.relu.2") < error("pixels"), "{} {}", error("trained.relu.2"), error("pixels"));
    assert!(error("pixels") < 20.0);
    for zeros in [80.0, 90.0, 97.0] {
        near(value(&outcome, &format!("separability.zeros.random.relu-{zeros}")), zeros, 2.0);
    }
}

/// PyTorch 2.13.0's published behaviour (facts of the lesson on implementing it).
#[test]
fn each_form_has_its_own_derivative_at_zero() {
    let outcome = measure("experiment = 'relu-forms'");
    let at_zero = [("relu", 0.0), ("clamp-min", 1.0), ("maximum", 0.5), ("fmax", 1.0), ("half-abs", 0.5)];
    let kin = [("mask", 0.0), ("leaky", 0.01), ("elu", 1.0), ("softplus", 0.5), ("gelu", 0.5), ("silu", 0.5)];
    for (form, expected) in at_zero.into_iter().chain(kin) {
        near(value(&outcome, &format!("relu-forms.at-zero.{form}")), expected, 1e-12);
    }
    for (reduction, expected) in [("max", 1.0 / 3.0), ("amax", 1.0 / 3.0), ("max-dim", 1.0), ("max-pool", 1.0)] {
        near(value(&outcome, &format!("relu-forms.tie.{reduction}")), expected, 1e-12);
    }
}

#[test]
fn alexnet_is_six_times_as_fast() {
    near(value(&measure("experiment = 'alexnet-figure'"), "alexnet.ratio"), 6.0, 1e-9);
}

#[test]
fn half_of_a_relu_networks_units_are_zero_at_first() {
    let outcome = measure("experiment = 'active-fraction'\nwidth = 200\nimages = 100\nseeds = [1, 2]");
    near(value(&outcome, "sparsity.zeros.relu"), 50.0, 5.0);
    assert!(value(&outcome, "sparsity.zeros.sigmoid") == 0.0);
    near(value(&outcome, "sparsity.mean.sigmoid"), 0.5, 0.05);
}

#[test]
fn gradients_follow_the_theory_of_wide_layers() {
    let outcome = measure("experiment = 'gradient-depth'\ndepth = 10\nimages = 64\nseeds = [1, 2]");
    near(value(&outcome, "gradient.ratio.relu.he"), 1.0, 0.1);
    near(value(&outcome, "gradient.ratio.relu.xavier"), 0.707, 0.07);
    near(value(&outcome, "gradient.ratio.relu.standard"), 0.408, 0.05);
    assert!(value(&outcome, "gradient.ratio.sigmoid.xavier") <= 0.26);
}

#[test]
fn a_deep_sigmoid_network_stalls_where_a_rectifier_learns() {
    let outcome = measure(
        "experiment = 'deep-training'\ndepth = 8\nwidth = 40\nimages = 2000\nepochs = 3\nlearning-rates = [0.05]\n\
         cases = [{ activation = 'sigmoid', init = 'standard' }, { activation = 'relu', init = 'he' }]",
    );
    near(value(&outcome, "deep-training.loss.sigmoid.standard"), std::f64::consts::LN_10, 0.05);
    assert!(value(&outcome, "deep-training.loss.relu.he") < 1.8);
}

#[test]
fn it_stops_when_asked_and_refuses_nonsense() {
    let cache = Cache::default();
    let context = Context { data: &|_| panic!("no data needed"), cache: &cache };
    let stopped = run(&spec("experiment = 'lif'"), &context, &mut Hasty);
    assert!(matches!(stopped, Err(ExperimentError::Stopped)));
    let refused = run(&spec("experiment = 'active-fraction'\nwidth = 0"), &context, &mut Patient);
    assert!(matches!(refused, Err(ExperimentError::Spec(SpecError { field: "width", .. }))));
    assert!(toml::from_str::<ExperimentSpec>("experiment = 'lif'\ncurent = 1.0").is_err());
}

/// Results are in the items' order, figures follow each, and the first error ends the others.
#[test]
fn the_bench_works_on_every_core() {
    let cache = Cache::default();
    let context = Context { data: &|_| panic!("no data needed"), cache: &cache };
    let mut patient = Patient;
    let mut bench = Bench::new(Effort::Quick, &[1], &context, &mut patient);
    let items: Vec<u32> = (0..20).collect();
    let mut seen = 0;
    let shown = |results: &[Option<u32>]| {
        seen = results.iter().flatten().count();
        None
    };
    let squares = bench.each("squaring", &items, |item, _| Ok(item * item), shown).unwrap();
    assert_eq!(squares, items.iter().map(|item| item * item).collect::<Vec<_>>());
    assert_eq!(seen, 20);
    let faulty = |item: &u32, part: &bench::Part| {
        if *item == 3 {
            return Err(ExperimentError::Torch(tch::TchError::Kind("three".into())));
        }
        // The others continue until they are text to stop.
        if *item < 3 {
            return Ok(());
        }
        loop {
            part.step(0.5)?;
        }
    };
    assert!(matches!(bench.each("failing", &items, faulty, |_| None), Err(ExperimentError::Torch(_))));
    let mut hasty = Hasty;
    let mut bench = Bench::new(Effort::Quick, &[1], &context, &mut hasty);
    let endless = |_: &u32, part: &bench::Part| -> Result<(), ExperimentError> {
        loop {
            part.step(0.5)?;
        }
    };
    assert!(matches!(bench.each("waiting", &items, endless, |_| None), Err(ExperimentError::Stopped)));
}

/// The second time it is cached already.
#[test]
fn the_bench_caches_what_it_trained() {
    let cache = Cache::default();
    let context = Context { data: &|_| panic!("no data needed"), cache: &cache };
    let mut patient = Patient;
    let mut bench = Bench::new(Effort::Quick, &[1], &context, &mut patient);
    let first = bench.cached("net", |_| Ok(1)).unwrap();
    let second = bench.cached("net", |_| Ok(2)).unwrap();
    assert_eq!(*first.lock().unwrap(), 1);
    assert!(Arc::ptr_eq(&first, &second));
}

/// Two cells may share what was trained, and the one that waits for the other can be stopped.
#[test]
fn a_measurement_that_waits_for_another_can_be_stopped() {
    let cache = Cache::default();
    let context = Context { data: &|_| panic!("no data needed"), cache: &cache };
    let kept = std::sync::Mutex::new(1);
    let (mut patient, mut hasty) = (Patient, Hasty);
    assert_eq!(*Bench::new(Effort::Quick, &[1], &context, &mut patient).lock(&kept, 0.0).unwrap(), 1);
    let _other = kept.lock().unwrap();
    let stopped = Bench::new(Effort::Quick, &[1], &context, &mut hasty).lock(&kept, 0.0);
    assert!(matches!(stopped, Err(ExperimentError::Stopped)));
}

/// A penalty silences units; too low an initial bias silences them for good, unless they are leaky.
#[test]
fn zeros_cost_and_dead_units_stay_dead() {
    let settings = "width = 50\nimages = 1000\nepochs = 4";
    let outcome =
        measure(&format!("experiment = 'sparsity-error'\npenalties = [0.0, 0.05]\nforced = [20.0, 96.0]\n{settings}"));
    assert!(value(&outcome, "sparsity-error.forced.above-ratio") > 1.0);
    let outcome = measure("experiment = 'dying'\nrates = [0.1]\nbias = -1.0\nwidth = 50\nimages = 2000\nepochs = 10");
    let (relu, leaky) = ("dying.low-bias.dead.relu.0.1", "dying.low-bias.dead.leaky.0.1");
    assert!(value(&outcome, relu) > value(&outcome, leaky), "{} {}", value(&outcome, relu), value(&outcome, leaky));
}

/// Momentum learns faster; every trick has its row, and the sum and the share are those of the rows.
#[test]
fn tricks_are_weighed_against_the_plain_network() {
    let outcome = measure(
        "experiment = 'tricks'\nactivations = ['relu', 'tanh']\nwidth = 50\nimages = 1000\nepochs = 12\nseeds = [1]",
    );
    for phi in ["relu", "tanh"] {
        let gain = |name: &str| value(&outcome, &format!("tricks.gain.{phi}.{name}"));
        assert!(gain("momentum") > 0.0);
        let all = protocol::Trick::ALL;
        let sum: f64 = all.iter().map(|trick| gain(trick.name())).sum();
        near(value(&outcome, &format!("tricks.sum.{phi}")), sum, 1e-9);
        near(value(&outcome, &format!("tricks.share.{phi}")), 100.0 * gain("together") / sum, 1e-9);
        let aim = gain("weight-decay") + gain("dropout") + gain("augmentation");
        near(value(&outcome, &format!("tricks.camp.{phi}.new-digits")), aim, 1e-9);
    }
    // Twelve epochs are evaluated six times.
    let Figure::Plot(plot) = &outcome.figures[0] else { panic!("{:?}", outcome.figures[0]) };
    let looks: Vec<f64> = plot.series[0].points.iter().map(|point| point.0).collect();
    assert_eq!(looks, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
}

/// Without CIFAR-10 it is measured on digits, which are not mirrored; it says so, and what all gain is without a second
/// normalisation.
#[test]
fn tricks_of_convolutional_networks_are_measured_on_what_is_there() {
    let outcome = measure("experiment = 'convnet-tricks'\nimages = 1000\nepochs = 3\nmaps = 4\nseeds = [1]");
    assert!(value(&outcome, "convnet-tricks.cifar10") < 0.5);
    let said = outcome.findings.iter().find(|finding| finding.key == "convnet-tricks.cifar10").unwrap();
    assert!(said.text.contains("MNIST") && said.text.contains("relu data cifar10"), "{}", said.text);
    for phi in ["relu", "tanh"] {
        let gain = |name: &str| value(&outcome, &format!("convnet-tricks.gain.{phi}.{name}"));
        // Three epochs of plain descent are few.
        assert!(gain("batch-norm") > 0.0, "{phi}");
        let all = ["crops", "weight-decay", "dropout", "rate-drops", "batch-norm", "local-norm"];
        let sum: f64 = all.into_iter().map(gain).sum();
        near(value(&outcome, &format!("convnet-tricks.sum.{phi}")), sum, 1e-9);
        assert!(outcome.findings.iter().all(|finding| !finding.key.contains("flips")));
    }
    let Figure::Plot(plot) = &outcome.figures[0] else { panic!("{:?}", outcome.figures[0]) };
    assert_eq!((plot.series.len(), plot.series[0].points.len()), (8, 3));
}

/// Without CIFAR-10 it is measured on digits, and says so. cuda-convnet's weights make the pre-activations of the later
/// layers far smaller than Glorot's; those of conv1 do not depend on the activation.
#[test]
fn starts_differ_in_their_pre_activations() {
    let outcome = measure("experiment = 'conv-start'\nimages = 512\nepochs = 2\nwidths = [4, 4, 8, 8]\nseeds = [1, 2]");
    assert!(value(&outcome, "conv-start.cifar10") < 0.5);
    let said = outcome.findings.iter().find(|finding| finding.key == "conv-start.cifar10").unwrap();
    assert!(said.text.contains("MNIST") && said.text.contains("relu data cifar10"), "{}", said.text);
    let found = |what: &str, start: &str, rest: &str| value(&outcome, &format!("conv-start.{what}.{start}.{rest}"));
    for phi in ["relu", "tanh"] {
        for layer in ["conv2", "conv3", "fc1"] {
            let [small, usual] = ["cuda-convnet", "glorot"].map(|start| found("rms", start, &format!("{phi}.{layer}")));
            assert!(small < 0.1 * usual, "{phi} {layer}: {small}, {usual}");
        }
        for start in ["cuda-convnet", "glorot"] {
            let rms = |what: &str| found(what, start, &format!("{phi}.fc1"));
            assert!((rms("rms-end") / rms("rms") - 1.0).abs() > 1e-3, "{start} {phi}: training changes nothing");
            assert!(found("gradient", start, phi) > 0.0 && (0.0..=100.0).contains(&found("error", start, phi)));
        }
    }
    for start in ["cuda-convnet", "glorot"] {
        let [relu, tanh] = ["relu.conv1", "tanh.conv1"].map(|name| found("rms", start, name));
        near(relu, tanh, 1e-9 * tanh);
    }
    let [relu, tanh, errors, before, after] = &outcome.figures[..] else { panic!("{}", outcome.figures.len()) };
    for figure in [relu, tanh] {
        let Figure::Plot(plot) = figure else { panic!("{figure:?}") };
        assert_eq!((plot.series.len(), plot.series[0].points.len(), plot.places.len()), (4, 4, 16));
    }
    let Figure::Plot(plot) = errors else { panic!("{errors:?}") };
    assert_eq!((plot.series.len(), plot.series[0].points.len(), plot.places.len()), (4, 2, 4));
    for figure in [before, after] {
        let Figure::Table(table) = figure else { panic!("{figure:?}") };
        assert_eq!((table.rows.len(), table.columns.len()), (16, 6));
    }
}

/// Layers that were pre-trained to restore digits need fewer labels.
#[test]
fn pretraining_helps_when_labels_are_few() {
    let settings = "unlabelled = 5000\nepochs = 3\nwidth = 128\nlabels = [500]\nactivations = ['softplus']";
    let outcome = measure(&format!("experiment = 'pretraining'\n{settings}"));
    assert!(value(&outcome, "pretraining.gain.softplus.500") > 0.0);
}

/// Runs it and checks that no number is NaN or infinite: a number that can't be given is absent, with the reason.
fn measure_finite(toml: &str) -> Outcome {
    let cache = Cache::default();
    let context = Context { data: &only_mnist, cache: &cache };
    let spec = spec(toml);
    let mut outcome = run(&spec, &context, &mut Patient).unwrap_or_else(|error| panic!("{toml}: {error}"));
    assert_eq!(outcome.remove_non_finite(), Vec::<String>::new(), "{toml}");
    for finding in &outcome.findings {
        assert!(protocol::matches_any(spec.experiment.finding_keys(), &finding.key), "{toml}: {}", finding.key);
        assert!(finding.value.is_some() || finding.seeds.is_empty(), "{toml}: {finding:?}");
    }
    outcome
}

fn text<'o>(outcome: &'o Outcome, key: &str) -> &'o str {
    let finding = outcome.findings.iter().find(|finding| finding.key == key).unwrap_or_else(|| panic!("no {key}"));
    assert_eq!(finding.value, None, "{}", finding.text);
    &finding.text
}

/// The cell of a reader who tries a learning rate that is far too large, with one seed and with several.
#[test]
fn divergence_of_a_deep_network_is_reported() {
    let cell = "experiment = 'deep-training'\ncases = [{ activation = 'relu', init = 'he' }]\ndepth = 15\nwidth = 50\n\
                images = 200\nepochs = 3";
    let one = measure_finite(&format!("{cell}\nlearning-rates = [10.0]\nseeds = [1]"));
    let (loss, error) = ("deep-training.loss.relu.he", "deep-training.error.relu.he");
    assert_eq!(text(&one, loss), "ReLU, He, training loss: diverged at epoch 1");
    assert_eq!(text(&one, error), "ReLU, He, validation error: diverged at epoch 1");
    let two = measure_finite(&format!("{cell}\nlearning-rates = [10.0]\nseeds = [1, 2]"));
    assert_eq!(text(&two, loss), "ReLU, He, training loss: diverged at epoch 1, with every seed");
    let Some(Figure::Plot(plot)) = two.figures.first() else { panic!("no plot") };
    assert_eq!(plot.series[0].points, [(1.0, None)], "a gap");
    let Some(Figure::Table(table)) = two.figures.last() else { panic!("no table") };
    assert_eq!(table.rows[0][4..], ["-", "-"]);
    // A rate at which it trains is preferred to one at which it diverges.
    let both = measure_finite(&format!("{cell}\nlearning-rates = [10.0, 0.01]\nseeds = [1, 2]"));
    let Some(Figure::Table(table)) = both.figures.last() else { panic!("no table") };
    assert_eq!(table.rows[0][3], "0.01");
    assert!(value(&both, loss) < 2.5);
}

#[test]
fn a_gradient_blocked_by_a_dead_layer_is_reported() {
    let cell = "experiment = 'gradient-depth'\nactivations = ['relu']\ninits = ['he']\nimages = 20";
    let dead = measure_finite(&format!("{cell}\nwidth = 2\ndepth = 20\nseeds = [1]"));
    let text = text(&dead, "gradient.ratio.relu.he");
    assert!(text.starts_with("ReLU, He: no gradient arrives: layer ") && text.ends_with(" is dead"), "{text}");
    let Some(Figure::Table(table)) = dead.figures.last() else { panic!("no table") };
    assert_eq!(table.rows[0][2], "-");
    // A sigmoid's gradient falls below single precision long before layer 1, so the factor is that of the layers it
    // reaches.
    let faint = measure_finite(
        "experiment = 'gradient-depth'\nactivations = ['sigmoid']\ninits = ['standard']\nimages = 20\nwidth = 30\n\
         depth = 100",
    );
    assert!((0.05..0.26).contains(&value(&faint, "gradient.ratio.sigmoid.standard")));
}

/// The extremes of the settings' ranges, with few images.
#[test]
fn extreme_settings_leave_no_number_that_is_none() {
    let dead =
        measure_finite("experiment = 'dying'\nrates = [0.1]\nbias = -100.0\nwidth = 10\nimages = 100\nepochs = 2");
    near(value(&dead, "dying.low-bias.dead.relu.0.1"), 100.0, 1e-9);
    let all = "['relu', 'tanh', 'sigmoid', 'softplus', 'gelu', 'leaky', 'linear']";
    for settings in [
        "experiment = 'dying'\nrates = [100.0, 0.1]\nbias = 100.0\nwidth = 10\nimages = 100\nepochs = 3\nseeds = [1, 2]".into(),
        "experiment = 'convnet-tricks'\nimages = 100\nepochs = 2\nmaps = 2\nseeds = [1, 2]".into(),
        "experiment = 'conv-start'\nactivations = ['linear', 'prelu']\nimages = 128\nepochs = 1\nwidths = [1, 1, 1, 1]\n\
         seeds = [1, 2]"
            .into(),
        "experiment = 'tricks'\nlearning-rate = 10.0\nwidth = 10\nimages = 100\nepochs = 3\nseeds = [1, 2]".into(),
        "experiment = 'activity'\npenalties = [1.0, 0.0]\nwidth = 10\nimages = 100\nepochs = 20\nseeds = [1, 2]".into(),
        "experiment = 'sparsity-error'\npenalties = [1.0]\nforced = [99.9, 0.0]\nwidth = 10\nimages = 100\nepochs = 3\n\
         seeds = [1, 2]"
            .into(),
        format!("experiment = 'saturation'\nactivations = {all}\nwidth = 1\nimages = 50\nepochs = 5\nseeds = [1, 2]"),
        format!("experiment = 'gradient-depth'\nactivations = {all}\nwidth = 1\ndepth = 100\nimages = 1\nseeds = [1, 2]"),
        format!("experiment = 'gradient-depth'\nactivations = {all}\nwidth = 64\ndepth = 100\nimages = 1"),
        format!("experiment = 'active-fraction'\nactivations = {all}\nwidth = 1\nimages = 1\nseeds = [1, 2]"),
        format!("experiment = 'curves'\nactivations = {all}\nfrom = -100.0\nto = 100.0"),
        format!("experiment = 'disentangle'\nactivations = {all}\nwidth = 10\nimages = 100\nepochs = 1\ndigits = 20"),
        "experiment = 'sparse-coding'\nprice = 2.0\natoms = 8\nbatches = 1\nsteps = 1\nseeds = [1, 2]".into(),
        "experiment = 'sparse-coding'\nprice = 0.001\natoms = 256\nbatches = 1\nsteps = 1".into(),
        "experiment = 'ista'\nprices = [2.0, 0.001]\natoms = 8\nbatches = 1\npatches = 10\nseeds = [1, 2]".into(),
        "experiment = 'linear-pieces'\nwidth = 1\ndepth = 6".into(),
        "experiment = 'pretraining'\nactivations = ['relu']\nlabels = [10]\nunlabelled = 100\nepochs = 2\nwidth = 10".into(),
        "experiment = 'separability'\nactivations = ['relu']\nwidth = 10\nimages = 100\nepochs = 3\nseeds = [1, 2]".into(),
        "experiment = 'lif'\ncurrent = -1.0\nmilliseconds = 100".into(),
        "experiment = 'alexnet-figure'\ntarget = 75.0".into(),
    ] {
        measure_finite(&settings);
    }
}
