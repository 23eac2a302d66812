//! Times, dates and counts in words.

use crate::study::grouped;

/// A measured time: `7.4 s`, `58 s`, `12 min 5 s`.
pub fn format_duration(seconds: f64) -> String {
    match seconds.max(0.0) {
        s if s < 0.1 => "less than 0.1 s".into(),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 119.5 => format!("{s:.0} s"),
        s => format!("{} min {} s", s.round() as u64 / 60, s.round() as u64 % 60),
    }
}

/// A count with its noun, in the plural unless it is one: `1 epoch`, `3,000 epochs`, `0 epochs`.
pub fn format_count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(count as u64)) }
}

/// The date of a time in seconds since 1970, UTC: `2026-11-26`.
pub fn format_date(seconds: i64) -> String {
    // Years begin in March here, so that the leap day comes last (Hinnant, days_from_civil).
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + next)
}

/// An estimated time, rounded to what an estimate can say: `about 40 seconds`, `about 12 minutes`.
pub fn format_estimate(seconds: f64) -> String {
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

/// A time as on a clock: `2:05`, `1:02:05`.
pub fn format_clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_times_and_days_are_short() {
        let times = [0.02, 7.42, 57.9, 119.6, 725.2].map(format_duration);
        assert_eq!(times, ["less than 0.1 s", "7.4 s", "58 s", "2 min 0 s", "12 min 5 s"]);
        let days = [0, 951_782_399, 951_782_400, 1_795_661_487, -1].map(format_date);
        assert_eq!(days, ["1970-01-01", "2000-02-28", "2000-02-29", "2026-11-26", "1969-12-31"]);
    }

    #[test]
    fn a_count_of_one_is_singular() {
        assert_eq!([0, 1, 2].map(|count| format_count(count, "epoch")), ["0 epochs", "1 epoch", "2 epochs"]);
    }

    #[test]
    fn estimates_are_rounded() {
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
            assert_eq!(format_estimate(seconds), words);
        }
    }

    #[test]
    fn clocks_read_as_clocks() {
        assert_eq!([5.0, 125.4, 3725.0].map(format_clock), ["0:05", "2:05", "1:02:05"]);
    }
}
