//! A time in words, before it has been measured.

/// `about 40 seconds`, `about 12 minutes`: as round as an estimate is.
pub fn about(seconds: f64) -> String {
    let (count, unit) = match seconds.max(0.0) {
        s if s < 1.0 => return "less than a second".into(),
        s if s < 10.0 => (s.round(), "second"),
        s if s < 57.5 => ((s / 5.0).round() * 5.0, "second"),
        s if s < 1230.0 => ((s / 60.0).round().max(1.0), "minute"),
        s if s < 3450.0 => ((s / 300.0).round() * 5.0, "minute"),
        s => ((s / 3600.0).round().max(1.0), "hour"),
    };
    format!("about {count} {unit}{}", if count < 1.5 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_roundly_as_they_are_known() {
        let cases = [
            (0.1, "less than a second"),
            (1.2, "about 1 second"),
            (3.6, "about 4 seconds"),
            (41.0, "about 40 seconds"),
            (57.6, "about 1 minute"),
            (95.0, "about 2 minutes"),
            (719.0, "about 12 minutes"),
            (1700.0, "about 30 minutes"),
            (3500.0, "about 1 hour"),
            (9000.0, "about 3 hours"),
        ];
        for (seconds, words) in cases {
            assert_eq!(about(seconds), words);
        }
    }
}
