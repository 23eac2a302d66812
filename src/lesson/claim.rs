//! A claim of the article with its tests, and the verdict that a reader's own findings give.

use super::body::{Body, strip_backticks};
use protocol::Finding;
use serde::Deserialize;
use std::collections::HashMap;

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimCell {
    /// The claim in our words.
    pub says: String,
    /// The article's figure, or its words in short.
    pub article: String,
    /// What the literature says, with its source.
    pub literature: String,
    /// Whether it holds at a large scale, if that was published.
    pub transfers: Option<String>,
    /// The lesson that measures it, and its cell.
    pub lesson: String,
    pub cell: String,
    /// The conclusion about the claim; never empty.
    pub tests: Vec<Test>,
}

/// A condition on findings, each named by its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The finding is between these limits; strictly if they are `open`.
    Within { finding: String, limits: (f64, f64), open: bool },
    /// The quotient of the first and the second is between these limits.
    Ratio { over: String, under: String, limits: (f64, f64) },
    /// The finding is below all the others.
    Lowest { finding: String, others: Vec<String> },
    /// The finding is above all the others.
    Highest { finding: String, others: Vec<String> },
}

/// The result of a claim, or of one of its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A finding that it needs has not been measured.
    NotYetTried,
    /// A finding that it needs was measured and has no number, for instance because the network diverged.
    NoNumber,
    Holds,
    /// One test confirms it and another does not, or the spread over the seeds is too large to decide.
    HoldsInPart,
    DoesNotHold,
}

impl Verdict {
    pub const ALL: [Self; 5] = [Self::NotYetTried, Self::Holds, Self::HoldsInPart, Self::DoesNotHold, Self::NoNumber];

    pub fn words(self) -> &'static str {
        match self {
            Self::NotYetTried => "not yet tried",
            Self::NoNumber => "no number to judge by",
            Self::Holds => "holds",
            Self::HoldsInPart => "holds in part",
            Self::DoesNotHold => "does not hold here",
        }
    }
}

/// Findings by key.
pub type Findings = HashMap<String, Finding>;

impl Test {
    /// The findings that it needs.
    pub fn findings(&self) -> Vec<&str> {
        match self {
            Self::Within { finding, .. } => vec![finding],
            Self::Ratio { over, under, .. } => vec![over, under],
            Self::Lowest { finding, others } | Self::Highest { finding, others } => {
                std::iter::once(finding.as_str()).chain(others.iter().map(String::as_str)).collect()
            }
        }
    }

    /// What it requires of its findings, in words that follow "asked".
    pub fn asks(&self) -> String {
        match self {
            Self::Within { limits: (low, high), open: true, .. } => format!("above {low} and below {high}"),
            Self::Within { limits, .. } => limits_in_words(*limits),
            Self::Ratio { limits, .. } => format!("the first, over the second: {}", limits_in_words(*limits)),
            Self::Lowest { others, .. } => comparison_in_words("below", others),
            Self::Highest { others, .. } => comparison_in_words("above", others),
        }
    }

    pub fn verdict(&self, found: &Findings) -> Verdict {
        let findings = self.findings();
        if findings.iter().any(|key| !found.contains_key(*key)) {
            return Verdict::NotYetTried;
        }
        let known = |key: &String| {
            let finding = found.get(key)?;
            Some((finding.value?, finding.spread.unwrap_or(0.0)))
        };
        let verdict = match self {
            Self::Within { finding, limits: (low, high), open } => {
                // The numbers next to the limits represent excluded limits.
                let limits = if *open { (low.next_up(), high.next_down()) } else { (*low, *high) };
                known(finding).map(|(value, spread)| inside(value, spread, limits))
            }
            Self::Ratio { over, under, limits } => known(over).zip(known(under)).and_then(|((a, da), (b, db))| {
                // Relative spreads of a quotient add in squares.
                let ratio = Some(a / b).filter(|ratio| ratio.is_finite())?;
                let spread = ratio.abs() * ((da / a).powi(2) + (db / b).powi(2)).sqrt();
                Some(inside(ratio, if spread.is_finite() { spread } else { 0.0 }, *limits))
            }),
            Self::Lowest { finding, others } => first(known(finding), others.iter().map(known), -1.0),
            Self::Highest { finding, others } => first(known(finding), others.iter().map(known), 1.0),
        };
        verdict.unwrap_or(Verdict::NoNumber)
    }
}

fn limits_in_words((low, high): (f64, f64)) -> String {
    match (low.is_finite(), high.is_finite()) {
        // The lower is never above the higher.
        (true, true) if low >= high => format!("exactly {low}"),
        // Nothing that is counted or timed is below zero.
        (true, true) if low == 0.0 => format!("at most {high}"),
        (true, true) => format!("{low} to {high}"),
        (true, false) => format!("at least {low}"),
        (false, true) => format!("at most {high}"),
        (false, false) => "any number".into(),
    }
}

fn comparison_in_words(side: &str, others: &[String]) -> String {
    let whom = if others.len() == 1 { "the second" } else { "all others" };
    format!("the first {side} {whom}, by more than the spread")
}

/// Whether value +- spread is between the limits: entirely, partly, or not.
fn inside(value: f64, spread: f64, (low, high): (f64, f64)) -> Verdict {
    let (from, to) = (value - spread, value + spread);
    if from >= low && to <= high {
        Verdict::Holds
    } else if to >= low && from <= high {
        Verdict::HoldsInPart
    } else {
        Verdict::DoesNotHold
    }
}

/// Whether one value exceeds all others in a direction by more than their spreads.
fn first(
    value: Option<(f64, f64)>,
    others: impl Iterator<Item = Option<(f64, f64)>>,
    direction: f64,
) -> Option<Verdict> {
    let (value, spread) = value?;
    let mut verdict = Verdict::Holds;
    for other in others {
        let (other, other_spread) = other?;
        let lead = direction * (value - other);
        let doubt = (spread.powi(2) + other_spread.powi(2)).sqrt();
        if lead < -doubt {
            verdict = Verdict::DoesNotHold;
        } else if lead <= doubt && verdict == Verdict::Holds {
            verdict = Verdict::HoldsInPart;
        }
    }
    Some(verdict)
}

impl ClaimCell {
    /// The verdict of all tests together. A missing finding leaves the claim untried, one without a number undecided.
    /// If all tests agree, the claim holds; if none confirms it and one contradicts it, it does not hold; anything else
    /// is "in part".
    pub fn verdict(&self, found: &Findings) -> Verdict {
        let verdicts: Vec<Verdict> = self.tests.iter().map(|test| test.verdict(found)).collect();
        if verdicts.contains(&Verdict::NotYetTried) {
            Verdict::NotYetTried
        } else if verdicts.contains(&Verdict::NoNumber) {
            Verdict::NoNumber
        } else if verdicts.iter().all(|verdict| *verdict == Verdict::Holds) {
            Verdict::Holds
        } else if verdicts.contains(&Verdict::DoesNotHold) && !verdicts.contains(&Verdict::Holds) {
            Verdict::DoesNotHold
        } else {
            Verdict::HoldsInPart
        }
    }

    /// The numbers of seeds behind it, the fewest and the most; `None` if nothing of it depends on a seed.
    pub fn seeds(&self, found: &Findings) -> Option<(usize, usize)> {
        let counts = || self.measured(found).into_iter().map(|finding| finding.seeds.len()).filter(|count| *count > 0);
        counts().min().zip(counts().max())
    }

    /// The verdict with the number of seeds behind it.
    pub fn verdict_in_words(&self, found: &Findings) -> String {
        let words = self.verdict(found).words();
        match self.seeds(found) {
            None => words.into(),
            Some((1, 1)) => format!("{words}, 1 seed"),
            Some((least, most)) if least == most => format!("{words}, {least} seeds"),
            Some((least, most)) => format!("{words}, {least} to {most} seeds"),
        }
    }

    /// The findings that the reader has measured, each once, in the tests' order.
    pub fn measured<'f>(&self, found: &'f Findings) -> Vec<&'f Finding> {
        let mut keys: Vec<&str> = Vec::new();
        for key in self.tests.iter().flat_map(Test::findings) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.into_iter().filter_map(|key| found.get(key)).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClaimBody {
    id: String,
    says: String,
    article: String,
    literature: String,
    transfers: Option<String>,
    lesson: String,
    cell: String,
    tests: Vec<toml::Spanned<TestBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestBody {
    finding: Option<String>,
    within: Option<(f64, f64)>,
    #[serde(default)]
    open: bool,
    ratio: Option<(String, String)>,
    lowest: Option<String>,
    highest: Option<String>,
    among: Option<Vec<String>>,
}

impl ClaimBody {
    /// Reads the claim; the faults of its tests are added to `body`.
    pub fn cell(self, body: &mut Body) -> ClaimCell {
        let Self { id: _, says, article, literature, transfers, lesson, cell, tests } = self;
        if transfers.as_ref().is_some_and(|text| text.trim().is_empty()) {
            body.fault_at("transfers", "`transfers` is empty");
        }
        if tests.is_empty() && !body.is_refused("tests") {
            body.fault_at("tests", "`tests` is empty; a claim needs something to be judged by");
        }
        let mut sound = Vec::new();
        for test in tests {
            let at = test.span().start;
            match test.into_inner().test() {
                Ok(test) => sound.push(test),
                Err(_) if body.is_pruned(at) => {}
                Err(why) => body.fault(why, at),
            }
        }
        let [says, article, literature] = [says, article, literature].map(|text| strip_backticks(&text));
        let transfers = transfers.as_deref().map(strip_backticks);
        ClaimCell { says, article, literature, transfers, lesson, cell, tests: sound }
    }
}

impl TestBody {
    fn test(self) -> Result<Test, String> {
        let Self { finding, within, open, ratio, lowest, highest, among } = self;
        if open && (finding.is_none() || within.is_none_or(|(low, high)| low >= high)) {
            return Err("`open` excludes the limits of a `finding` that lies `within` two different numbers".into());
        }
        if within.is_some_and(|(low, high)| low.is_nan() || high.is_nan() || low > high) {
            return Err("`within` needs two numbers, the lower first; `inf` and `-inf` are numbers".into());
        }
        match (finding, ratio, within, lowest, highest, among) {
            (Some(finding), None, Some(limits), None, None, None) => Ok(Test::Within { finding, limits, open }),
            (None, Some((over, under)), Some(limits), None, None, None) => Ok(Test::Ratio { over, under, limits }),
            (None, None, None, Some(finding), None, Some(others)) if !others.is_empty() => {
                Ok(Test::Lowest { finding, others })
            }
            (None, None, None, None, Some(finding), Some(others)) if !others.is_empty() => {
                Ok(Test::Highest { finding, others })
            }
            _ => Err("a test is one of `finding` and `within`; `ratio` and `within`; `lowest` and `among`; \
                      `highest` and `among`"
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[(&str, f64, Option<f64>)]) -> Findings {
        let finding = |(key, value, spread): &(&str, f64, Option<f64>)| {
            let (key, text) = (key.to_string(), String::new());
            (
                key.clone(),
                Finding {
                    key,
                    text,
                    value: Some(*value),
                    spread: *spread,
                    seeds: vec![1],
                    tabled: false,
                    is_bound: false,
                },
            )
        };
        values.iter().map(finding).collect()
    }

    fn verdict(test: &str, values: &[(&str, f64, Option<f64>)]) -> Verdict {
        toml::from_str::<TestBody>(test).unwrap().test().unwrap().verdict(&found(values))
    }

    #[test]
    fn limits_are_judged_with_their_spread() {
        let judge = |value, spread| verdict("finding = 'a'\nwithin = [1.0, 2.0]", &[("a", value, spread)]);
        assert_eq!(judge(1.0, None), Verdict::Holds);
        assert_eq!(judge(2.0, None), Verdict::Holds);
        assert_eq!(judge(2.1, None), Verdict::DoesNotHold);
        assert_eq!(judge(1.5, Some(0.5)), Verdict::Holds);
        assert_eq!(judge(1.5, Some(0.6)), Verdict::HoldsInPart);
        assert_eq!(judge(2.1, Some(0.2)), Verdict::HoldsInPart);
        assert_eq!(judge(2.5, Some(0.2)), Verdict::DoesNotHold);
        assert_eq!(verdict("finding = 'a'\nwithin = [1.0, inf]", &[("a", 1e9, None)]), Verdict::Holds);
        assert_eq!(verdict("finding = 'a'\nwithin = [1.0, 2.0]", &[]), Verdict::NotYetTried);
        let open = |value| verdict("finding = 'a'\nwithin = [0.0, 1.0]\nopen = true", &[("a", value, None)]);
        assert_eq!([open(1.0), open(0.0), open(0.25)], [Verdict::DoesNotHold, Verdict::DoesNotHold, Verdict::Holds]);
    }

    #[test]
    fn a_ratio_takes_both_spreads() {
        let judge =
            |a, b| verdict("ratio = ['a', 'b']\nwithin = [2.0, 4.0]", &[("a", a, Some(0.3)), ("b", b, Some(0.1))]);
        assert_eq!(judge(3.0, 1.0), Verdict::Holds);
        assert_eq!(judge(4.0, 1.0), Verdict::HoldsInPart);
        assert_eq!(judge(9.0, 1.0), Verdict::DoesNotHold);
    }

    #[test]
    fn the_lowest_leads_by_more_than_the_spread() {
        let judge = |b, c| {
            verdict("lowest = 'a'\namong = ['b', 'c']", &[("a", 1.0, Some(0.1)), ("b", b, Some(0.1)), ("c", c, None)])
        };
        assert_eq!(judge(1.2, 2.0), Verdict::Holds);
        assert_eq!(judge(1.1, 2.0), Verdict::HoldsInPart);
        assert_eq!(judge(1.2, 0.5), Verdict::DoesNotHold);
        let high = |b| verdict("highest = 'a'\namong = ['b']", &[("a", 1.0, None), ("b", b, None)]);
        assert_eq!((high(0.5), high(1.5)), (Verdict::Holds, Verdict::DoesNotHold));
    }

    #[test]
    fn tests_are_weighed_together() {
        let test = |limits| Test::Within { finding: "a".into(), limits, open: false };
        let claim = |tests| ClaimCell {
            says: "s".into(),
            article: "a".into(),
            literature: "l".into(),
            transfers: None,
            lesson: "x".into(),
            cell: "y".into(),
            tests,
        };
        let (yes, no) = (test((0.0, 2.0)), test((5.0, 6.0)));
        let known = found(&[("a", 1.0, None)]);
        assert_eq!(claim(vec![yes.clone(), yes.clone()]).verdict(&known), Verdict::Holds);
        assert_eq!(claim(vec![yes.clone(), no.clone()]).verdict(&known), Verdict::HoldsInPart);
        assert_eq!(claim(vec![no.clone(), no.clone()]).verdict(&known), Verdict::DoesNotHold);
        let open = Test::Highest { finding: "a".into(), others: vec!["b".into()] };
        let known = found(&[("a", 1.0, Some(0.5)), ("b", 1.1, None)]);
        assert_eq!(claim(vec![open.clone()]).verdict(&known), Verdict::HoldsInPart);
        assert_eq!(claim(vec![open, no.clone()]).verdict(&known), Verdict::DoesNotHold);
        assert_eq!(claim(vec![yes, no]).verdict(&Findings::new()), Verdict::NotYetTried);
        assert_eq!(claim(vec![test((0.0, 2.0)), test((5.0, 6.0))]).measured(&known).len(), 1);
    }

    #[test]
    fn a_finding_without_a_number_judges_nothing_and_is_not_untried() {
        let mut known = found(&[("a", 1.0, None), ("b", 2.0, None)]);
        known.get_mut("b").unwrap().value = None;
        for test in [
            "finding = 'b'\nwithin = [0.0, inf]",
            "ratio = ['a', 'b']\nwithin = [0.0, inf]",
            "ratio = ['b', 'a']\nwithin = [0.0, inf]",
            "lowest = 'a'\namong = ['b']",
            "highest = 'b'\namong = ['a']",
        ] {
            let test = toml::from_str::<TestBody>(test).unwrap().test().unwrap();
            assert_eq!(test.verdict(&known), Verdict::NoNumber, "{test:?}");
            assert_eq!(test.verdict(&found(&[("a", 1.0, None)])), Verdict::NotYetTried, "{test:?}");
        }
    }

    #[test]
    fn a_test_says_what_it_asks() {
        let asks = |test: &str| toml::from_str::<TestBody>(test).unwrap().test().unwrap().asks();
        assert_eq!(asks("finding = 'a'\nwithin = [3.0, inf]"), "at least 3");
        assert_eq!(asks("finding = 'a'\nwithin = [-inf, 0.3]"), "at most 0.3");
        assert_eq!(asks("finding = 'a'\nwithin = [0.9, 1.1]"), "0.9 to 1.1");
        assert_eq!(asks("finding = 'a'\nwithin = [0.0, 1.0]\nopen = true"), "above 0 and below 1");
        assert_eq!(asks("finding = 'a'\nwithin = [0.0, 0.0]"), "exactly 0");
        assert_eq!(asks("ratio = ['a', 'b']\nwithin = [0.0, 0.9]"), "the first, over the second: at most 0.9");
        assert_eq!(asks("lowest = 'a'\namong = ['b']"), "the first below the second, by more than the spread");
        let three = asks("highest = 'a'\namong = ['b', 'c']");
        assert_eq!(three, "the first above all others, by more than the spread");
    }

    #[test]
    fn half_a_test_is_refused() {
        let open = ["finding = 'a'\nopen = true", "ratio = ['a', 'b']\nwithin = [0.0, 1.0]\nopen = true"];
        for text in open {
            assert!(toml::from_str::<TestBody>(text).unwrap().test().is_err(), "{text}");
        }
        for text in ["finding = 'a'", "within = [1.0, 2.0]", "lowest = 'a'", "finding = 'a'\nwithin = [2.0, 1.0]"] {
            assert!(toml::from_str::<TestBody>(text).unwrap().test().is_err(), "{text}");
        }
    }
}
