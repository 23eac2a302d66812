//! Compares a prediction with the measurement.

use super::prediction::{DecidedBy, Extreme, Guess, PredictCell};
use super::quiz::is_within;
use super::{Answer, Findings};
use protocol::{Finding, format_count};

/// A prediction and its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub right: bool,
    /// The reader's value and the measured one, and the difference, in whole sentences.
    pub sentence: String,
    /// The difference in two or three words, for a list.
    pub word: String,
}

/// A measured value and its spread over the seeds, 0 for a single one.
#[derive(Clone, Copy)]
struct Measured {
    value: f64,
    spread: f64,
    /// Whether the value stands in for one that the run ended before, see `Finding::is_bound`.
    is_bound: bool,
}

impl Measured {
    fn of(finding: &Finding) -> Option<Self> {
        Some(Self { value: finding.value?, spread: finding.spread.unwrap_or(0.0), is_bound: finding.is_bound })
    }

    /// Whether the difference of two means is within the spread of both.
    fn ties_with(self, other: Self) -> bool {
        (self.value - other.value).abs() <= (self.spread.powi(2) + other.spread.powi(2)).sqrt()
    }
}

impl PredictCell {
    /// Compares the answer with the findings. `None` if nothing decides it, or the deciding finding is missing or has
    /// no number.
    pub fn compare(&self, answer: &Answer, found: &Findings) -> Option<Comparison> {
        let measured = |keys: &[String]| -> Option<Vec<Measured>> {
            keys.iter().map(|key| found.get(key).and_then(Measured::of)).collect()
        };
        match (&self.decides.as_ref()?.by, answer, &self.guess) {
            (DecidedBy::Value { finding: key, within }, Answer::Number(said), Guess::Number(unit)) => {
                let finding = found.get(key)?;
                Some(compare_number(*said, unit, finding, Measured::of(finding)?, *within))
            }
            (DecidedBy::Range { finding: key, ranges }, Answer::Choice(said), Guess::Choice(options)) => {
                let finding = found.get(key)?;
                compare_range(said, options, ranges, finding, Measured::of(finding)?)
            }
            (DecidedBy::Pick { findings, pick }, Answer::Choice(said), Guess::Choice(options)) => {
                compare_pick(said, options, &measured(findings)?, *pick)
            }
            (DecidedBy::Ranking { findings, first }, Answer::Order(said), Guess::Order(things)) => {
                compare_order(said, things, &measured(findings)?, *first)
            }
            _ => None,
        }
    }
}

/// A finding's sentence with its spread.
fn measured_sentence(finding: &Finding) -> String {
    let text = finding.text.trim_end_matches('.');
    // A sentence that begins with its subject has a colon already.
    let measured = if text.contains(": ") { "Measured," } else { "Measured:" };
    match finding.spread.filter(|_| !finding.is_bound) {
        Some(spread) => format!("{measured} {text} (± {} over {} seeds).", short(spread), finding.seeds.len()),
        None => format!("{measured} {text}."),
    }
}

/// A number in three significant digits, with all digits before the point, and without an exponent while it is
/// readable.
pub fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    match digits {
        ..=0 => format!("{value:.0}"),
        1..=6 => {
            let text = format!("{value:.*}", digits as usize);
            text.trim_end_matches('0').trim_end_matches('.').into()
        }
        _ => format!("{value:.1e}"),
    }
}

fn compare_number(said: f64, unit: &str, finding: &Finding, measured: Measured, within: f64) -> Comparison {
    let off = said - measured.value;
    let (is_close, in_spread) = (is_within(off, within), off.abs() <= measured.spread);
    let yours = format!("You said {} {unit}", short(said));
    if measured.is_bound {
        // What was measured says no more than that it is not below.
        let right = off >= 0.0 || is_within(off, within);
        let verdict = if right { "the run ended before that could be seen" } else { "too low" };
        let sentence = format!("{} {yours}: {verdict}.", measured_sentence(finding));
        return Comparison { right, sentence, word: right_or_wrong(right) };
    }
    let verdict = match (is_close, in_spread) {
        _ if off == 0.0 => format!("{yours}: exactly so."),
        (_, true) => format!("{yours}: within the spread of the seeds."),
        (true, false) => format!("{yours}: close, {} off.", short(off.abs())),
        (false, false) => {
            let side = if off > 0.0 { "too high" } else { "too low" };
            let times = said / measured.value;
            let ratio = if times.is_finite() && (times >= 3.0 || (times > 0.0 && times <= 1.0 / 3.0)) {
                format!(", {} times the measured value", short(times))
            } else {
                String::new()
            };
            format!("{yours}: {} {side}{ratio}.", short(off.abs()))
        }
    };
    let right = is_close || in_spread;
    let word = if right { "right".into() } else { format!("off by {}", short(off.abs())) };
    Comparison { right, sentence: format!("{} {verdict}", measured_sentence(finding)), word }
}

fn right_or_wrong(right: bool) -> String {
    if right { "right" } else { "wrong" }.into()
}

fn compare_range(
    said: &str,
    options: &[String],
    ranges: &[(f64, f64)],
    finding: &Finding,
    measured: Measured,
) -> Option<Comparison> {
    let chosen = options.iter().position(|option| option == said)?;
    let holding = |value: f64| ranges.iter().position(|(low, high)| (*low..*high).contains(&value));
    let decided = holding(measured.value);
    let right = decided == Some(chosen);
    // The distance of the measured value from the chosen range.
    let (low, high) = ranges[chosen];
    let distance = (low - measured.value).max(measured.value - high).max(0.0);
    let verdict = match decided.and_then(|at| options.get(at)) {
        _ if right => format!("You said \"{said}\": so it is."),
        Some(option) if measured.is_bound => format!("You said \"{said}\"; it is \"{option}\"."),
        Some(option) if distance <= measured.spread => {
            format!("You said \"{said}\": the mean is \"{option}\", and the spread of the seeds reaches your answer.")
        }
        Some(option) => {
            let side = if low > measured.value { "too high" } else { "too low" };
            format!("You said \"{said}\": {side} by {}; it is \"{option}\".", short(distance))
        }
        None => format!("You said \"{said}\"; none of the answers holds the measured value."),
    };
    Some(Comparison {
        right,
        sentence: format!("{} {verdict}", measured_sentence(finding)),
        word: right_or_wrong(right),
    })
}

/// Whether a comes before b when the extreme comes first.
fn before(a: Measured, b: Measured, extreme: Extreme) -> bool {
    match extreme {
        Extreme::Highest => a.value > b.value,
        Extreme::Lowest => a.value < b.value,
    }
}

fn compare_pick(said: &str, options: &[String], measured: &[Measured], pick: Extreme) -> Option<Comparison> {
    let chosen = options.iter().position(|option| option == said)?;
    let best =
        (0..measured.len()).reduce(|best, at| if before(measured[at], measured[best], pick) { at } else { best })?;
    let named = |at: usize| {
        let Measured { spread, is_bound, .. } = measured[at];
        if is_bound {
            return format!("{} (not reached)", options[at]);
        }
        let spread = if spread > 0.0 { format!(" ± {}", short(spread)) } else { String::new() };
        format!("{} ({}{spread})", options[at], short(measured[at].value))
    };
    let ties: Vec<usize> = (0..measured.len()).filter(|&at| measured[at].ties_with(measured[best])).collect();
    let right = ties.contains(&chosen);
    let extreme = if pick == Extreme::Highest { "highest" } else { "lowest" };
    let sentence = if ties.len() > 1 {
        let list: Vec<String> = ties.iter().map(|&at| named(at)).collect();
        let head = format!("Measured: {} can't be told apart as the {extreme}", list.join(" and "));
        if right {
            format!("{head}; you said {said}, which is among them.")
        } else {
            format!("{head}; you said {}.", named(chosen))
        }
    } else if right {
        format!("Measured: {} is the {extreme}, as you said.", named(best))
    } else if measured[chosen].is_bound || measured[best].is_bound {
        format!("Measured: {} is the {extreme}; you said {}.", named(best), named(chosen))
    } else {
        let off = short((measured[chosen].value - measured[best].value).abs());
        format!("Measured: {} is the {extreme}; you said {}, which is {off} away.", named(best), named(chosen))
    };
    Some(Comparison { right, sentence, word: right_or_wrong(right) })
}

/// The most swapped pairs that are named; of more only the number is given.
const NAMED_PAIRS: usize = 6;

fn compare_order(said: &[String], things: &[String], measured: &[Measured], first: Extreme) -> Option<Comparison> {
    let order: Vec<usize> =
        said.iter().map(|thing| things.iter().position(|known| known == thing)).collect::<Option<_>>()?;
    if order.len() != things.len() || measured.len() != things.len() {
        return None;
    }
    let mut truth: Vec<usize> = (0..things.len()).collect();
    truth.sort_by(|&a, &b| {
        let order = measured[a].value.total_cmp(&measured[b].value);
        if first == Extreme::Highest { order.reverse() } else { order }
    });
    // Pairs that the reader has in the other order. Those within the spread may be in either order.
    let mut swapped = Vec::new();
    for (place, &a) in order.iter().enumerate() {
        for &b in &order[place + 1..] {
            if before(measured[b], measured[a], first) && !measured[a].ties_with(measured[b]) {
                swapped.push(format!("{} before {}", things[b], things[a]));
            }
        }
    }
    let number = |of: Measured| if of.is_bound { "(not reached)".into() } else { short(of.value) };
    let list: Vec<String> = truth.iter().map(|&at| format!("{} {}", things[at], number(measured[at]))).collect();
    let head = format!("Measured: {}.", list.join(", "));
    let (pairs, count) = (things.len() * (things.len() - 1) / 2, swapped.len());
    let verdict = match count {
        0 if order == truth => "Your order is right.".into(),
        0 => "Your order is right within the spread of the seeds.".into(),
        _ => {
            let stand = if count == 1 { "stands" } else { "stand" };
            let named = if count > NAMED_PAIRS { String::new() } else { format!(": {}", swapped.join(", ")) };
            format!("In your order {count} of {} {stand} the other way round{named}.", format_count(pairs, "pair"))
        }
    };
    let word = if count == 0 { "right".into() } else { format!("{count} of {pairs} swapped") };
    Some(Comparison { right: count == 0, sentence: format!("{head} {verdict}"), word })
}

#[cfg(test)]
mod tests {
    use super::super::CellBody;
    use super::*;

    fn read(body: &str) -> PredictCell {
        let text = format!("id = 'p'\nquestion = 'Q?'\nexplanation = 'E.'\n{body}");
        match CellBody::read("predict", &text).unwrap().body {
            Some(CellBody::Predict(cell)) => cell,
            _ => panic!("{body}"),
        }
    }

    fn found(values: &[(&str, Option<f64>, Option<f64>)]) -> Findings {
        let finding = |(key, value, spread): &(&str, Option<f64>, Option<f64>)| {
            let text = format!("{key} is {}", value.map_or("unknown".into(), |value| value.to_string()));
            let (key, value, spread) = ((*key).to_string(), *value, *spread);
            (key.clone(), Finding { key, text, value, spread, seeds: vec![1, 2], tabled: false, is_bound: false })
        };
        values.iter().map(finding).collect()
    }

    /// What stands in for an epoch that was never trained puts answers in order, and is not shown.
    #[test]
    fn a_stand_in_is_in_no_sentence() {
        let mut found = found(&[("a", Some(3.0), Some(0.5)), ("b", Some(151.0), Some(7.0))]);
        let b = found.get_mut("b").unwrap();
        (b.is_bound, b.text) = (true, "B did not come down".into());
        let say = |cell: PredictCell, answer: Answer| {
            let compared = cell.compare(&answer, &found).unwrap();
            assert!(!compared.sentence.contains("151") && !compared.sentence.contains("148"), "{}", compared.sentence);
            assert!(!compared.sentence.contains('7') && !compared.sentence.contains("47"), "{}", compared.sentence);
            compared.right
        };
        let number = "unit = 'epochs'\ndecides = { cell = 'c', finding = 'b', within = 1 }";
        assert!(!say(read(number), Answer::Number(100.0)) && say(read(number), Answer::Number(200.0)));
        let range =
            "choices = ['soon', 'late']\ndecides = { cell = 'c', finding = 'b', ranges = [[0, 99], [99, inf]] }";
        assert!(!say(read(range), Answer::Choice("soon".into())));
        let pick = "choices = ['A', 'B']\ndecides = { cell = 'c', findings = ['a', 'b'], pick = 'lowest' }";
        assert!(!say(read(pick), Answer::Choice("B".into())) && say(read(pick), Answer::Choice("A".into())));
        let order = "order = ['A', 'B']\ndecides = { cell = 'c', findings = ['a', 'b'], first = 'lowest' }";
        assert!(say(read(order), Answer::Order(vec!["A".into(), "B".into()])));
    }

    #[test]
    fn a_number_is_compared_with_the_finding() {
        let cell = read("unit = '%'\ndecides = { cell = 'c', finding = 'a', within = 1.0 }");
        let compare =
            |said: f64, spread| cell.compare(&Answer::Number(said), &found(&[("a", Some(4.0), spread)])).unwrap();
        let close = compare(4.5, None);
        assert_eq!((close.right, &close.sentence[..]), (true, "Measured: a is 4. You said 4.5 %: close, 0.5 off."));
        let far = compare(20.0, Some(0.25));
        assert_eq!(
            (far.right, &far.sentence[..], &far.word[..]),
            (
                false,
                "Measured: a is 4 (± 0.25 over 2 seeds). You said 20 %: 16 too high, 5 times the measured value.",
                "off by 16"
            )
        );
        assert!(compare(2.0, Some(3.0)).right, "the seeds themselves differ by as much");
        assert!(compare(2.0, None).sentence.ends_with("You said 2 %: 2 too low."));
        assert_eq!(cell.compare(&Answer::Number(1.0), &found(&[("a", None, None)])), None);
        assert_eq!(cell.compare(&Answer::Number(1.0), &found(&[])), None);
    }

    #[test]
    fn a_choice_is_decided_by_its_range() {
        let cell = read(
            "choices = ['little', 'some', 'much']\n\
             decides = { cell = 'c', finding = 'a', ranges = [[0, 1], [1, 3], [3, inf]] }",
        );
        let compare = |said: &str, value, spread| {
            cell.compare(&Answer::Choice(said.into()), &found(&[("a", Some(value), spread)])).unwrap()
        };
        assert!(
            compare("some", 1.0, None).right && !compare("little", 1.0, None).right && compare("much", 3.0, None).right
        );
        assert!(compare("little", 1.05, Some(0.1)).sentence.contains("reaches your answer"));
        assert!(
            compare("little", 1.5, Some(0.1))
                .sentence
                .ends_with("You said \"little\": too low by 0.5; it is \"some\".")
        );
        assert!(compare("much", -1.0, None).sentence.contains("none of the answers holds"));
    }

    #[test]
    fn a_choice_among_findings_takes_ties_as_right() {
        let cell =
            read("choices = ['A', 'B', 'C']\ndecides = { cell = 'c', findings = ['a', 'b', 'c'], pick = 'lowest' }");
        let findings = found(&[("a", Some(1.0), Some(0.1)), ("b", Some(1.1), Some(0.1)), ("c", Some(2.0), None)]);
        let compare = |said: &str| cell.compare(&Answer::Choice(said.into()), &findings).unwrap();
        assert!(compare("A").right && compare("B").right && !compare("C").right);
        assert_eq!(
            compare("B").sentence,
            "Measured: A (1 ± 0.1) and B (1.1 ± 0.1) can't be told apart as the lowest; you said B, which is among them."
        );
        let clear = found(&[("a", Some(1.0), None), ("b", Some(1.1), None), ("c", Some(2.0), None)]);
        assert_eq!(
            cell.compare(&Answer::Choice("C".into()), &clear).unwrap().sentence,
            "Measured: A (1) is the lowest; you said C (2), which is 1 away."
        );
    }

    #[test]
    fn an_order_names_its_swapped_pairs() {
        let cell =
            read("order = ['A', 'B', 'C']\ndecides = { cell = 'c', findings = ['a', 'b', 'c'], first = 'highest' }");
        let findings = found(&[("a", Some(3.0), None), ("b", Some(2.0), Some(0.6)), ("c", Some(1.5), None)]);
        let compare =
            |said: [&str; 3]| cell.compare(&Answer::Order(said.map(String::from).to_vec()), &findings).unwrap();
        assert_eq!(compare(["A", "B", "C"]).sentence, "Measured: A 3, B 2, C 1.5. Your order is right.");
        assert!(compare(["A", "C", "B"]).right, "a pair within the spread may stand either way");
        assert_eq!(
            compare(["B", "A", "C"]).sentence,
            "Measured: A 3, B 2, C 1.5. In your order 1 of 3 pairs stands the other way round: A before B."
        );
        let turned = compare(["C", "B", "A"]);
        assert_eq!(turned.word, "2 of 3 swapped");
        assert!(turned.sentence.ends_with("2 of 3 pairs stand the other way round: A before C, A before B."));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0"), (1234.5, "1234"), (12.34, "12.3"), (1.0, "1"), (0.0123, "0.0123"), (1e-9, "1.0e-9")]
        {
            assert_eq!(short(value), text);
        }
    }
}
