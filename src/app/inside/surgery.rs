//! Changes to units of the networks that are looked at, with undo. They are part of the questions, so no checkpoint is changed.

use protocol::{ArmId, Surgery, UnitChange};
use std::collections::HashMap;

#[derive(Clone, Debug, Default)]
pub struct Changes {
    of: HashMap<ArmId, Vec<UnitChange>>,
}

impl Changes {
    pub fn of(&self, arm: ArmId) -> &[UnitChange] {
        self.of.get(&arm).map_or(&[], Vec::as_slice)
    }

    /// What a unit's output is multiplied by.
    pub fn scale(&self, arm: ArmId, at: UnitChange) -> f32 {
        let scales = self.of(arm).iter().filter(|change| (change.layer, change.unit) == (at.layer, at.unit));
        scales
            .filter_map(|change| if let Surgery::Scale(by) = change.change { Some(by) } else { None })
            .next_back()
            .unwrap_or(1.0)
    }

    /// The latest change of a unit stands for those before.
    pub(crate) fn add(&mut self, arm: ArmId, change: UnitChange) {
        let of = self.of.entry(arm).or_default();
        let is_same = |known: &UnitChange| {
            (known.layer, known.unit) == (change.layer, change.unit)
                && std::mem::discriminant(&known.change) == std::mem::discriminant(&change.change)
        };
        of.retain(|known| !is_same(known));
        of.push(change);
    }

    /// Takes the last change back.
    pub(crate) fn undo(&mut self, arm: ArmId) -> Option<UnitChange> {
        self.of.get_mut(&arm)?.pop()
    }

    pub(crate) fn clear(&mut self, arm: ArmId) {
        self.of.remove(&arm);
    }
}
