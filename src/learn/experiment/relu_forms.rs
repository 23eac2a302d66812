//! Every way to write a ReLU. They agree everywhere except in their derivative at 0.

use super::bench::Bench;
use super::{ExperimentError, summary};
use protocol::{Figure, Outcome, ReluForms, Source, Table, TablePlace};
use tch::{Kind, Tensor};

type Form = (&'static str, &'static str, fn(&Tensor) -> Tensor);

const FORMS: [Form; 11] = [
    ("relu", "relu(x)", |x| x.relu()),
    ("clamp-min", "clamp_min(x, 0)", |x| x.clamp_min(0.0)),
    ("maximum", "maximum(x, 0)", |x| x.maximum(&x.zeros_like())),
    ("fmax", "fmax(x, 0)", |x| x.fmax(&x.zeros_like())),
    ("half-abs", "(x + |x|) / 2", |x| (x + x.abs()) * 0.5),
    ("mask", "x * (x > 0)", |x| x * x.gt(0.0)),
    ("leaky", "leaky_relu(x)", |x| x.leaky_relu()),
    ("elu", "elu(x)", |x| x.elu()),
    ("softplus", "softplus(x)", |x| x.softplus()),
    ("gelu", "gelu(x)", |x| x.gelu("none")),
    ("silu", "silu(x)", |x| x.silu()),
];

const REDUCTIONS: [Form; 4] = [
    ("max", "max()", |x| x.max()),
    ("amax", "amax(0)", |x| x.amax([0_i64].as_slice(), false)),
    ("max-dim", "max(dim 0)", |x| x.max_dim(0, false).0),
    ("max-pool", "max_pool1d(4)", |x| x.view([1, 1, 4]).max_pool1d(4, 4, 0, 1, false)),
];

/// The table's column with the slopes at 0.
const AT_ZERO: usize = 5;

pub fn run(_: &ReluForms, _: &mut Bench) -> Result<Outcome, ExperimentError> {
    let (mut rows, mut ties, mut findings, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, written, form) in FORMS {
        let (y, slope) = measure(form, &[-1.0, 0.0, 1.0])?;
        let key = format!("relu-forms.at-zero.{name}");
        places.push(TablePlace::new(key.as_str(), rows.len(), AT_ZERO));
        let cells = y.iter().chain(&slope).map(|v| format!("{v:.4}"));
        rows.push([written.to_string()].into_iter().chain(cells).collect());
        let text = format!("the derivative of {written} at 0 is {}", slope[1]);
        findings.push(summary::exact(key, slope[1], text).tabled());
    }
    for (name, written, form) in REDUCTIONS {
        let (_, slope) = measure(form, &[2.0, 2.0, 1.0, 2.0])?;
        ties.push([written.to_string()].into_iter().chain(slope.iter().map(|v| format!("{v:.4}"))).collect());
        let text = format!("{written} gives {:.4} of the gradient to the first of three equal largest", slope[0]);
        findings.push(summary::exact(format!("relu-forms.tie.{name}"), slope[0], text).tabled());
    }
    let table = |title: &str, columns: Vec<&str>, rows, places| {
        let sources = vec![Source::Measured; columns.len()];
        let columns = columns.into_iter().map(String::from).collect();
        Figure::Table(Table { title: title.into(), columns, rows, sources, places })
    };
    let values = vec!["form", "y(-1)", "y(0)", "y(1)", "y'(-1)", "y'(0)", "y'(1)"];
    let figures = vec![
        table("Ways to write a ReLU, and its kin", values, rows, places),
        table("Gradient of a maximum over {2, 2, 1, 2}", vec!["reduction", "2", "2", "1", "2"], ties, Vec::new()),
    ];
    Ok(Outcome { figures, findings, seconds: 0.0 })
}

/// Values, and the derivative of their sum with respect to each input.
fn measure(form: fn(&Tensor) -> Tensor, x: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ExperimentError> {
    let x = Tensor::from_slice(x).set_requires_grad(true);
    let y = form(&x);
    y.sum(Kind::Double).backward();
    Ok((Vec::try_from(y.detach().reshape([-1]))?, Vec::try_from(x.grad())?))
}
