//! Steering an experiment with the keys. Each key requests the same measurement with another input.

use crate::{App, Effect, Modal};
use crossterm::event::{KeyCode, KeyEvent};
use protocol::{CellKey, Steer};

/// The keys that steer, for the last line of the pane.
pub const STEER_KEYS: &str = "← ↑ ↓ → move · , . turn · + - digit · Tab layer · 0 back · Esc done";

/// Degrees for each key press.
const TURN: i32 = 5;
/// The index of the last test digit.
const LAST: u32 = 9999;

impl App {
    /// Whether an experiment can be steered: it has an outcome with the lesson's settings.
    pub fn can_steer(&self, key: &CellKey) -> bool {
        let view = self.experiments.get(key).filter(|view| view.outcome.is_some());
        view.and_then(|view| view.spec.as_ref()).is_some_and(|spec| spec.experiment.steer().is_some())
            && self.stale(key).is_none()
    }

    pub fn steers(&self, key: &CellKey) -> bool {
        matches!(self.modals.last(), Some(Modal::Steer(steered)) if steered == key)
    }

    pub(crate) fn steer_key(&mut self, key: CellKey, event: KeyEvent) -> Vec<Effect> {
        let Some(view) = self.experiments.get_mut(&key) else { return Vec::new() };
        if event.code == KeyCode::Char('q') {
            return Vec::new();
        }
        self.modals.push(Modal::Steer(key.clone()));
        if let KeyCode::Char('1'..='9' | '[' | ']') = event.code {
            self.page_key(event.code);
            return Vec::new();
        }
        let measured = view.spec.as_ref().and_then(|spec| spec.experiment.steer());
        let Some(now) = view.steer.or(measured) else { return Vec::new() };
        let next = steered_by(now, event.code);
        if next == now {
            return Vec::new();
        }
        (view.steer, view.page) = (Some(next), 0);
        // A running measurement is repeated when it has finished.
        if view.running.is_some() { Vec::new() } else { self.measure_again(key) }
    }

    /// Requests the measurement again if the reader has steered further meanwhile. Otherwise the steering is cleared,
    /// so that two notebooks that steer the same cell don't trigger each other forever.
    pub(crate) fn continue_steering(&mut self, key: CellKey) -> Vec<Effect> {
        let Some(view) = self.experiments.get_mut(&key) else { return Vec::new() };
        let shown = view.spec.as_ref().and_then(|spec| spec.experiment.steer());
        if view.steer == shown {
            view.steer = None;
        }
        if view.steer.is_some() { self.measure_again(key) } else { Vec::new() }
    }

    fn measure_again(&mut self, key: CellKey) -> Vec<Effect> {
        let Some(spec) = self.requested_spec_of(&key) else { return Vec::new() };
        self.measure(key, spec)
    }
}

/// The steering after this key.
fn steered_by(steer: Steer, code: KeyCode) -> Steer {
    let step = |at: i32, by: i32| (at + by).clamp(-Steer::FAR, Steer::FAR);
    let turn = |by: i32| Steer { turn: (steer.turn + by + 180).rem_euclid(360) - 180, ..steer };
    match code {
        KeyCode::Left | KeyCode::Char('h') => Steer { right: step(steer.right, -1), ..steer },
        KeyCode::Right | KeyCode::Char('l') => Steer { right: step(steer.right, 1), ..steer },
        KeyCode::Up | KeyCode::Char('k') => Steer { down: step(steer.down, -1), ..steer },
        KeyCode::Down | KeyCode::Char('j') => Steer { down: step(steer.down, 1), ..steer },
        KeyCode::Char(',' | '<') => turn(-TURN),
        KeyCode::Char('.' | '>') => turn(TURN),
        KeyCode::Char('+' | '=') => Steer { digit: (steer.digit + 1).min(LAST), ..steer },
        KeyCode::Char('-') => Steer { digit: steer.digit.saturating_sub(1), ..steer },
        KeyCode::Tab | KeyCode::BackTab => Steer { layer: 1 - steer.layer.min(1), ..steer },
        KeyCode::Char('0') | KeyCode::Home => steer.untouched(),
        _ => steer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_where_they_say_and_no_further() {
        let start = Steer::default();
        let press = |keys: &[KeyCode]| keys.iter().fold(start, |steer, &code| steered_by(steer, code));
        assert_eq!(
            press(&[KeyCode::Right, KeyCode::Up, KeyCode::Char('.')]),
            Steer { right: 1, down: -1, turn: 5, ..start }
        );
        assert_eq!(press(&[KeyCode::Left; 30]).right, -Steer::FAR);
        assert_eq!(press(&[KeyCode::Char('.'); 37]).turn, -175);
        assert_eq!(press(&[KeyCode::Tab, KeyCode::Tab, KeyCode::Char('-')]), start);
        let there = press(&[KeyCode::Char('+'), KeyCode::Down, KeyCode::Tab]);
        assert_eq!(steered_by(there, KeyCode::Char('0')), Steer { digit: 1, layer: 1, ..start });
    }
}
