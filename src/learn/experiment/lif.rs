//! The leaky integrate-and-fire neuron of Glorot et al. 2011, section 2: simulated, solved, and fitted.
//!
//! In units of current, with v = V/R: tau dv/dt = I - v; at v = `THRESHOLD` a spike, then `v = THRESHOLD - DROP` for
//! `REFRACTORY`. The constants are our fit to the paper's Figure 1, which states none.

use super::{ExperimentError, bench::Bench, reference, summary};
use protocol::{Figure, Lif, Outcome, PlotBand, PlotMark, Source, Stroke};

const TAU: f64 = 30.0; // ms
const REFRACTORY: f64 = 4.0; // ms
const DROP: f64 = 0.275; // nA
const THRESHOLD: f64 = 0.15; // nA
const DT: f64 = 0.05; // ms

pub fn run(settings: &Lif, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let &Lif { current, milliseconds } = settings;
    let currents: Vec<f64> = (0..=110).map(|i| f64::from(i - 10) / 10.0).collect();
    let mut counted = Vec::with_capacity(currents.len());
    for (at, &i) in currents.iter().enumerate() {
        bench.step(at as f64 / currents.len() as f64, &format!("counting spikes at {i:.1} nA"))?;
        counted.push([i, rate(&simulate(i, milliseconds).1)]);
    }
    let solved: Vec<[f64; 2]> = currents.iter().map(|&i| [i, closed_form(i)]).collect();
    let published = reference::lif();
    // A threshold below 0 would give a straight line over the whole curve, not a rectifier.
    let relu = fit(&published, |z, _| z.max(0.0), &[1.0], 1.0);
    let sharpness = [0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 1.0, 2.0, 4.0, 8.0];
    let softplus = fit(&published, |z, a| (a * z).max(0.0) / a + (-(a * z).abs()).exp().ln_1p() / a, &sharpness, 1.0);
    let sigmoid = fit(&published, |z, a| 1.0 / (1.0 + (-a * z).exp()), &sharpness, 3.0);

    let theory = |text: &str| Source::Theory(text.into());
    let sampled = |f: &dyn Fn(f64) -> f64| currents.iter().map(|&i| [i, f(i)]).collect::<Vec<_>>();
    // Every fifth count, because all of them would hide the curves below.
    let some = counted.iter().copied().step_by(5).collect();
    let series = vec![
        summary::curve("published", reference::glorot(), Stroke::Points, published.clone()),
        summary::curve("simulated", Source::Measured, Stroke::Points, some),
        summary::curve("solved", theory("1/(tau ln(1+d/(I-I_th)) + t_ref)"), Stroke::Line, solved.clone()),
        summary::curve("ReLU", theory("c max(0, I-b), least squares"), Stroke::Line, sampled(&relu.curve)),
        summary::curve(
            "Softplus",
            theory("(c/a) softplus(a(I-b)), least squares"),
            Stroke::Line,
            sampled(&softplus.curve),
        ),
        summary::curve("Sigmoid", theory("c sigmoid(a(I-b)), least squares"), Stroke::Line, sampled(&sigmoid.curve)),
    ];
    let mut rates = summary::plot("Firing rate", summary::axis("current, nA"), summary::axis("rate, Hz"), series);
    let last_silent = counted.iter().take_while(|p| p[1] == 0.0).last().map_or(currents[0], |p| p[0]);
    rates.bands = vec![PlotBand {
        label: "one-sided inhibition".into(),
        source: Source::Measured,
        vertical: true,
        from: currents[0],
        to: last_silent,
    }];
    rates.marks = vec![PlotMark {
        label: "wide excited border".into(),
        source: theory("the solved equation"),
        at: [6.0, closed_form(6.0)],
    }];
    let (trace, _) = simulate(current, 200.0);
    let trace = vec![summary::curve("membrane", Source::Measured, Stroke::Line, trace)];
    let title = format!("A membrane charging and firing, at {current} nA");
    let trace = summary::plot(title, summary::axis("time, ms"), summary::axis("V/R, nA"), trace);

    let threshold = counted.iter().find(|p| p[1] > 0.0).map_or(f64::NAN, |p| p[0]);
    let above: Vec<f64> = solved.iter().filter(|p| p[0] > THRESHOLD).map(|p| p[1]).collect();
    let bends = above.windows(3).filter(|w| w[2] - 2.0 * w[1] + w[0] <= 0.0).count();
    let concave = 100.0 * bends as f64 / (above.len() - 2) as f64;
    let at = |current: f64| counted.iter().find(|p| (p[0] - current).abs() < 1e-9).map_or(f64::NAN, |p| p[1]);
    let rise = 100.0 * (at(10.0) / at(5.0) - 1.0);
    let gap = counted.iter().zip(&solved).map(|(c, s)| (c[1] - s[1]).abs()).fold(0.0, f64::max);
    let closed = rms(&published, &closed_form);
    let mut findings = vec![
        summary::exact("lif.concave", concave, format!("{concave:.0} % of the curve above threshold bends downwards")),
        summary::exact("lif.closed-form.gap", gap, format!("simulation and formula differ by at most {gap:.2} Hz")),
    ];
    if rise.is_finite() {
        let text = format!("from 5 to 10 nA the counted rate rises by {rise:.0} %");
        findings.push(summary::exact("lif.still-rising", rise, text));
    }
    if threshold.is_finite() {
        let text = format!("the weakest current tried that fires is {threshold:.1} nA");
        findings.push(summary::exact("lif.threshold", threshold, text));
    }
    let fits = [
        ("closed-form", "the solved equation", closed),
        ("relu", "ReLU", relu.rms),
        ("softplus", "softplus", softplus.rms),
        ("sigmoid", "the sigmoid", sigmoid.rms),
    ];
    for (name, title, error) in fits {
        let text = format!("{title}, fitted, misses the published curve by {error:.1} Hz (RMS)");
        findings.push(summary::exact(format!("lif.rms.{name}"), error, text));
    }
    Ok(Outcome { figures: vec![Figure::Plot(rates), Figure::Plot(trace)], findings, seconds: 0.0 })
}

/// Euler's method from rest: [ms, v] at each step, and the times of the spikes.
fn simulate(current: f64, milliseconds: f64) -> (Vec<[f64; 2]>, Vec<f64>) {
    let (mut v, mut quiet_until) = (0.0_f64, 0.0);
    let (mut trace, mut spikes) = (Vec::new(), Vec::new());
    for n in 0..(milliseconds / DT) as usize {
        let t = n as f64 * DT;
        if t >= quiet_until {
            v += DT / TAU * (current - v);
            if v >= THRESHOLD {
                spikes.push(t);
                v = THRESHOLD - DROP;
                quiet_until = t + REFRACTORY;
            }
        }
        trace.push([t, v]);
    }
    (trace, spikes)
}

/// Spikes per second, from the first spike to the last.
fn rate(spikes: &[f64]) -> f64 {
    match spikes {
        [first, .., last] => 1000.0 * (spikes.len() - 1) as f64 / (last - first),
        _ => 0.0,
    }
}

/// Hz at a current in nA.
fn closed_form(current: f64) -> f64 {
    if current <= THRESHOLD {
        return 0.0;
    }
    1000.0 / (TAU * (DROP / (current - THRESHOLD)).ln_1p() + REFRACTORY)
}

fn rms(points: &[[f64; 2]], f: &dyn Fn(f64) -> f64) -> f64 {
    (points.iter().map(|p| (p[1] - f(p[0])).powi(2)).sum::<f64>() / points.len() as f64).sqrt()
}

struct Fit {
    curve: Box<dyn Fn(f64) -> f64>,
    rms: f64,
}

/// The c phi(I-b; a) closest to the points: c in closed form, b (from 0 to `last`) and a by a grid search.
fn fit(points: &[[f64; 2]], phi: fn(f64, f64) -> f64, sharpness: &[f64], last: f64) -> Fit {
    let mut best = Fit { curve: Box::new(|_| 0.0), rms: f64::INFINITY };
    for &a in sharpness {
        for n in 0..=20 {
            let b = last * f64::from(n) / 20.0;
            let (up, down) = points.iter().fold((0.0, 0.0), |(up, down), p| {
                let h = phi(p[0] - b, a);
                (up + h * p[1], down + h * h)
            });
            let c = up / down;
            let curve = move |i: f64| c * phi(i - b, a);
            let error = rms(points, &curve);
            if error < best.rms {
                best = Fit { curve: Box::new(curve), rms: error };
            }
        }
    }
    best
}
