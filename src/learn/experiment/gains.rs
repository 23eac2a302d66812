//! What each of several changes gains alone, and what all of them gain together. Networks of one seed share their initial
//! draws and their batches, so gains are computed seed by seed.

use super::summary::{self, Absent, Measured};
use protocol::{Activation, Bar, Bars, Figure, Finding, Source, Table};

/// The arm without any change, which comes first, and the one with all, which comes last.
pub const PLAIN: &str = "plain";
pub const TOGETHER: &str = "together";

/// The test errors with which an arm's networks end, in percent, one for each seed.
pub struct ArmEnds {
    /// The name in findings and tables.
    pub name: &'static str,
    pub ends: Vec<Measured>,
}

/// What was gained, with the figures and the findings that say so.
pub struct Gains {
    pub figures: Vec<Figure>,
    pub findings: Vec<Finding>,
    /// What each change gains alone, in the order of the arms.
    pub alone: Vec<(&'static str, Vec<Measured>)>,
}

/// Adds up, seed by seed. A network that diverged gives no number.
pub fn add(sum: &mut [Measured], gains: &[Measured]) {
    for (sum, gain) in sum.iter_mut().zip(gains) {
        *sum = (*sum).and_then(|sum| Ok(sum + (*gain)?));
    }
}

/// Bars and a table, and the findings `PREFIX.error.A.T`, `PREFIX.gain.A.T`, `PREFIX.sum.A` and `PREFIX.share.A`.
pub fn report(prefix: &str, phi: Activation, title: &str, arms: &[ArmEnds], seeds: &[u64]) -> Gains {
    let plain = arms.first().map_or(&[][..], |arm| &arm.ends);
    let (mut rows, mut findings, mut bars) = (Vec::new(), Vec::new(), Vec::new());
    let mut sum: Vec<Measured> = vec![Ok(0.0); seeds.len()];
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for ArmEnds { name, ends } in arms {
        let subject = format!("{title}, {name}");
        let gain = |(plain, end): (&Measured, &Measured)| match (plain, end) {
            (Ok(plain), Ok(end)) => Ok(plain - end),
            (_, Err(absent)) => Err(*absent),
            (Err(_), Ok(_)) => Err(Absent::Undefined("the plain network diverged")),
        };
        let gains: Vec<Measured> = plain.iter().zip(ends).map(gain).collect();
        let says = |error: f64| format!("{subject}: the test error ends at {error:.2} %");
        let error = summary::finding(format!("{prefix}.error.{phi}.{name}"), &subject, ends, seeds, says);
        let mut row = vec![(*name).to_string(), summary::cell_with_spread(&error, 2), "-".into()];
        findings.push(error.tabled());
        if *name != PLAIN {
            let says = |gain: f64| {
                let how = if gain >= 0.0 { "lower" } else { "higher" };
                format!("{subject}: {:.2} points {how} than the plain network's", gain.abs())
            };
            let gain = summary::finding(format!("{prefix}.gain.{phi}.{name}"), &subject, &gains, seeds, says);
            let sign = if gain.value.is_some_and(|gain| gain >= 0.0) { "+" } else { "" };
            row[2] = format!("{sign}{}", summary::cell_with_spread(&gain, 2));
            bars.extend(gain.value.map(|gain| bar(name, gain)));
            findings.push(gain.tabled());
        }
        rows.push(row);
        if *name == TOGETHER {
            together = gains;
        } else if *name != PLAIN {
            add(&mut sum, &gains);
            alone.push((*name, gains));
        }
    }
    let says = |sum: f64| format!("{title}: the single gains sum up to {sum:.2} points");
    let total = summary::finding(format!("{prefix}.sum.{phi}"), title, &sum, seeds, says);
    let is_clear = total.value.is_some_and(|sum| sum > 2.0 * total.spread.unwrap_or(0.0));
    // In front of the bar of all together.
    let last = bars.len().saturating_sub(1);
    bars.splice(last..last, total.value.map(|sum| bar("sum of these", sum)));
    findings.push(total);
    // A share of a sum that is not positive has no meaning.
    let share = |(gain, sum): (&Measured, &Measured)| -> Measured {
        match ((*gain)?, (*sum)?) {
            (gain, sum) if sum > 0.0 => Ok(100.0 * gain / sum),
            _ => Err(Absent::Undefined("alone they gain nothing")),
        }
    };
    let shares: Vec<Measured> = together.iter().zip(&sum).map(share).collect();
    // Nor has a share of a sum that is within its spread of zero.
    if shares.iter().all(Result::is_ok) && is_clear {
        let says = |share: f64| format!("{title}: all together gain {share:.0} % of that sum");
        findings.push(summary::finding(format!("{prefix}.share.{phi}"), title, &shares, seeds, says));
    }
    let columns = ["trick", "test error, %", "gained, points"].map(String::from).to_vec();
    let table = Table {
        title: format!("{title}: what each trick is worth"),
        columns,
        rows,
        sources: vec![Source::Measured; 3],
        places: Vec::new(),
    };
    let bars = Bars {
        title: format!("{title}: points gained"),
        parts: ["gained", "lost"].map(String::from).to_vec(),
        bars,
        source: Source::Measured,
    };
    Gains { figures: vec![Figure::Bars(bars), Figure::Table(table)], findings, alone }
}

/// A loss is a part of its own, as no bar is negative.
fn bar(name: &str, gain: f64) -> Bar {
    Bar { name: name.into(), values: vec![Some(gain.max(0.0)), Some((-gain).max(0.0))], total: Some(gain) }
}
