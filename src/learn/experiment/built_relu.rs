//! Rectifiers built from four operations: their values and slopes by autograd.

use super::bench::Bench;
use super::{ExperimentError, summary};
use protocol::{BuiltRelu, Figure, Operation, Outcome, Source, Table};
use tch::{Kind, Tensor};

const PLACES: [f64; 4] = [f64::NEG_INFINITY, -1.0, 0.0, 1.0];
/// Points at which a rectifier differs from functions that only agree with it at -1, 0 and 1.
const MORE: [f64; 6] = [-3.0, -2.0, -0.5, 0.5, 2.0, 3.0];

/// One chain, evaluated at every point.
struct Built {
    key: String,
    written: String,
    y: Vec<f64>,
    slope: Vec<f64>,
    /// Whether it is max(0, x) at -1, 0 and 1.
    passes: bool,
    /// Whether it is max(0, x) everywhere.
    rectifies: bool,
}

pub fn run(settings: &BuiltRelu, _: &mut Bench) -> Result<Outcome, ExperimentError> {
    let built = settings.operations.iter().map(|chain| Built::of(chain)).collect::<Result<Vec<_>, _>>()?;
    let (mut rows, mut slopes, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_string();
    for one in &built {
        let row = |values: &[f64], verdict: bool| {
            let cells = values.iter().map(|value| number(*value));
            std::iter::once(one.written.clone()).chain(cells).chain([word(verdict)]).collect()
        };
        rows.push(row(&one.y, one.passes));
        if one.passes {
            slopes.push(row(&one.slope, one.rectifies));
        }
        if one.rectifies {
            let text = format!("{}: the slope at 0 is {}", one.written, number(one.slope[2]));
            findings.push(summary::exact(format!("built-relu.at-zero.{}", one.key), one.slope[2], text).tabled());
        }
    }
    let count = |what: &dyn Fn(&Built) -> bool| built.iter().filter(|one| what(one)).count();
    let all = built.len();
    let (pass, rectify) = (count(&|one| one.passes), count(&|one| one.rectifies));
    let endless = count(&|one| one.rectifies && one.y[0].is_nan());
    let texts = [
        ("pass", pass, format!("{pass} of {all} have the rectifier's values at -1, 0 and 1")),
        ("count", rectify, format!("{rectify} of these have them everywhere else as well")),
        ("nan", endless, format!("{endless} of the {rectify} give no number at minus infinity, where relu(x) gives 0")),
    ];
    findings.extend(texts.map(|(key, value, text)| summary::exact(format!("built-relu.{key}"), value as f64, text)));
    let table = |title: &str, columns: &[&str], rows| {
        let (sources, columns) = (vec![Source::Measured; columns.len()], columns.iter().map(ToString::to_string));
        Figure::Table(Table { title: title.into(), columns: columns.collect(), rows, sources, places: Vec::new() })
    };
    let values = ["form", "y(-\u{221e})", "y(-1)", "y(0)", "y(1)", "0, 0, 1?"];
    let mut figures = vec![table("What was built", &values, rows)];
    if !slopes.is_empty() {
        let columns = ["form", "y'(-\u{221e})", "y'(-1)", "y'(0)", "y'(1)", "rectifier?"];
        figures.push(table("Slopes of those with 0, 0, 1", &columns, slopes));
    }
    Ok(Outcome { figures, findings, seconds: 0.0 })
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "no number".into(),
        value if value.is_infinite() => if value > 0.0 { "\u{221e}" } else { "-\u{221e}" }.into(),
        // No minus sign before a zero.
        value => (value + 0.0).to_string(),
    }
}

impl Built {
    fn of(chain: &[Operation]) -> Result<Self, ExperimentError> {
        let (y, slope) = measure(chain, &PLACES)?;
        let passes = y[1..] == [0.0, 0.0, 1.0];
        let rectifies =
            passes && measure(chain, &MORE)?.0.iter().zip(MORE).all(|(y, x)| (y - x.max(0.0)).abs() < 1e-12);
        let key = chain.iter().map(|operation| operation.name()).collect::<Vec<_>>().join("+");
        Ok(Self { key, written: written(chain), y, slope, passes, rectifies })
    }
}

/// The chain as a formula of x.
fn written(chain: &[Operation]) -> String {
    let (mut text, mut sum) = ("x".to_string(), false);
    for operation in chain {
        (text, sum) = match operation {
            Operation::Abs => (format!("|{text}|"), false),
            Operation::Step => (format!("[{text} > 0]"), false),
            Operation::MeanX => (format!("({text} + x) / 2"), true),
            Operation::TimesX => (if sum { format!("({text}) * x") } else { format!("{text} * x") }, false),
        };
    }
    text
}

/// Values, and slopes by autograd.
fn measure(chain: &[Operation], places: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ExperimentError> {
    let x = Tensor::from_slice(places).set_requires_grad(true);
    let y = chain.iter().fold(x.shallow_clone(), |y, operation| match operation {
        Operation::Abs => y.abs(),
        Operation::Step => y.gt(0.0).to_kind(Kind::Double),
        Operation::MeanX => (y + &x) * 0.5,
        Operation::TimesX => y * &x,
    });
    // A step passes no gradient: for autograd its result does not depend on x.
    let slope = if y.requires_grad() {
        Tensor::run_backward(&[y.sum(Kind::Double)], &[&x], false, false).swap_remove(0)
    } else {
        x.zeros_like()
    };
    Ok((Vec::try_from(y.detach())?, Vec::try_from(slope.detach())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the sixteen chains of two, six have the values 0, 0, 1, and two of these are the rectifier; the others are
    /// steps and a parabola.
    #[test]
    fn slopes_distinguish_a_rectifier_from_functions_with_its_values() {
        let built: Vec<Built> = BuiltRelu::default().operations.iter().map(|chain| Built::of(chain).unwrap()).collect();
        let found: Vec<_> =
            built.iter().filter(|one| one.passes).map(|one| (one.written.as_str(), one.rectifies)).collect();
        let steps = [("|[x > 0]|", false), ("[[x > 0] > 0]", false), ("[(x + x) / 2 > 0]", false)];
        let others = [("(|x| + x) / 2", true), ("[x > 0] * x", true), ("(x * x + x) / 2", false)];
        assert_eq!(found.len(), 6);
        assert!(steps.iter().chain(&others).all(|one| found.contains(one)), "{found:?}");
        let slopes = |written: &str| &built.iter().find(|one| one.written == written).unwrap().slope[1..];
        assert_eq!(slopes("(|x| + x) / 2"), [0.0, 0.5, 1.0]);
        assert_eq!(slopes("[x > 0] * x"), [0.0, 0.0, 1.0]);
        assert_eq!(slopes("(x * x + x) / 2"), [-0.5, 0.5, 1.5]);
        assert_eq!(slopes("[(x + x) / 2 > 0]"), [0.0; 3]);
        // Infinity minus infinity, and 0 times minus infinity.
        assert!(built.iter().filter(|one| one.rectifies).all(|one| one.y[0].is_nan()));
        let (abs, step, mean, times) = (Operation::Abs, Operation::Step, Operation::MeanX, Operation::TimesX);
        let of = |chain: &[Operation]| Built::of(chain).unwrap();
        assert_eq!(of(&[abs]).y, [f64::INFINITY, 1.0, 0.0, 1.0]);
        assert_eq!((of(&[step]).y, of(&[step]).slope), (vec![0.0, 0.0, 0.0, 1.0], vec![0.0; 4]));
        assert!(of(&[abs, mean, step, times]).rectifies);
        assert_eq!(written(&[abs, mean, times, abs]), "|((|x| + x) / 2) * x|");
    }
}
