//! The keys of findings, and the patterns that match them.

/// The keys of what the finished runs find together.
pub const RACE_FINDING_KEYS: &[&str] =
    &["race.best-by.*", "race.ratio", "race.alexnet-fig1.ratio", "race.cifar-glorot.ratio"];

/// Whether one of these patterns matches a key.
pub fn matches_any(patterns: &[&str], key: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, key))
}

fn matches(pattern: &str, key: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == key,
        Some((before, behind)) => key.strip_prefix(before).is_some_and(|rest| {
            (1..=rest.len()).any(|end| rest.is_char_boundary(end) && matches(behind, &rest[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_their_keys_alone() {
        let patterns = ["dying.dead.*", "pretraining.error.*.with.*", "lif.threshold"];
        for key in ["dying.dead.relu.0.2", "pretraining.error.relu.with.100", "lif.threshold"] {
            assert!(matches_any(&patterns, key), "{key}");
        }
        for key in ["dying.ded.relu.0.2", "dying.dead.", "pretraining.error.relu.without.100", "lif.thresholds", ""] {
            assert!(!matches_any(&patterns, key), "{key}");
        }
    }
}
