//! Changes to units of the networks that are looked at, with undo. They are part of the questions, so no checkpoint is changed.

use protocol::{ArmId, Layer, Surgery, UnitChange};
use std::collections::HashMap;
use std::mem::discriminant;

#[derive(Clone, Debug, Default)]
pub struct Changes {
    of: HashMap<ArmId, Vec<UnitChange>>,
    /// Of each arm, its changes before each that was made, the latest last.
    earlier: HashMap<ArmId, Vec<Vec<UnitChange>>>,
}

impl Changes {
    pub fn of(&self, arm: ArmId) -> &[UnitChange] {
        self.of.get(&arm).map_or(&[], Vec::as_slice)
    }

    /// What a unit's output is multiplied by.
    pub fn scale(&self, arm: ArmId, layer: Layer, unit: u32) -> f32 {
        scale_in(self.of(arm), layer, unit)
    }

    /// The scale that a silenced unit had before.
    pub(crate) fn scale_before_silence(&self, arm: ArmId, layer: Layer, unit: u32) -> f32 {
        let earlier = self.earlier.get(&arm).into_iter().flatten().rev();
        let scale = earlier.map(|changes| scale_in(changes, layer, unit)).find(|scale| *scale != 0.0);
        scale.unwrap_or(1.0)
    }

    /// A unit has one scale and one revival: the latest stands for those before. A scale of 1 is none.
    pub(crate) fn add(&mut self, arm: ArmId, change: UnitChange) {
        let is_same = |known: &UnitChange| {
            (known.layer, known.unit) == (change.layer, change.unit)
                && discriminant(&known.change) == discriminant(&change.change)
        };
        let mut next: Vec<UnitChange> = self.of(arm).iter().copied().filter(|known| !is_same(known)).collect();
        if change.change != Surgery::Scale(1.0) {
            next.push(change);
        }
        self.replace(arm, next);
    }

    /// Back to what there was before the last change; returns whether there was one.
    pub(crate) fn undo(&mut self, arm: ArmId) -> bool {
        let before = self.earlier.get_mut(&arm).and_then(Vec::pop);
        before.map(|before| self.of.insert(arm, before)).is_some()
    }

    /// Undoes all changes, which can be undone.
    pub(crate) fn clear(&mut self, arm: ArmId) {
        self.replace(arm, Vec::new());
    }

    fn replace(&mut self, arm: ArmId, next: Vec<UnitChange>) {
        let before = std::mem::take(self.of.entry(arm).or_default());
        if before != next {
            self.earlier.entry(arm).or_default().push(before);
        }
        self.of.insert(arm, next);
    }
}

fn scale_in(changes: &[UnitChange], layer: Layer, unit: u32) -> f32 {
    let of_unit = changes.iter().filter(|change| (change.layer, change.unit) == (layer, unit));
    let mut scales = of_unit.filter_map(|change| match change.change {
        Surgery::Scale(by) => Some(by),
        Surgery::Revive => None,
    });
    scales.next_back().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_undone_by_itself() {
        let arm: ArmId = "relu-tanh".parse().unwrap();
        let layer: Layer = "conv1".parse().unwrap();
        let change = |change| UnitChange { layer, unit: 3, change };
        let mut changes = Changes::default();
        let steps = [Surgery::Scale(0.0), Surgery::Revive, Surgery::Scale(0.5), Surgery::Scale(1.0)];
        let expected = [
            vec![change(steps[0])],
            vec![change(steps[0]), change(steps[1])],
            vec![change(steps[1]), change(steps[2])],
            vec![change(steps[1])],
        ];
        for (step, expected) in steps.into_iter().zip(&expected) {
            changes.add(arm, change(step));
            assert_eq!(changes.of(arm), expected);
        }
        // A revival that is made again changes nothing, and all are undone at once.
        changes.add(arm, change(Surgery::Revive));
        changes.clear(arm);
        changes.clear(arm);
        assert_eq!((changes.of(arm), changes.scale(arm, layer, 3)), (&[][..], 1.0));
        for expected in expected.iter().rev() {
            assert!(changes.undo(arm));
            assert_eq!(changes.of(arm), expected);
        }
        assert!(changes.undo(arm) && !changes.undo(arm));
        assert_eq!(changes.of(arm), []);
        // A silenced unit gets back what it had.
        changes.add(arm, change(Surgery::Scale(4.0)));
        changes.add(arm, change(Surgery::Scale(0.0)));
        let before = [3, 2].map(|unit| changes.scale_before_silence(arm, layer, unit));
        assert_eq!((changes.scale(arm, layer, 3), before), (0.0, [4.0, 1.0]));
    }
}
