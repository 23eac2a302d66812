//! Follows a straight line through the pieces of a network, and finds exactly where each unit switches.

use super::net::{Net, Pattern};

/// A unit switches.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// The position along the line, from 0 to 1.
    pub at: f64,
    /// The unit's index among all hidden units.
    pub unit: usize,
    pub on: bool,
    /// The network's logits there.
    pub logits: Vec<f64>,
}

/// Pre-activations and their slopes along the line.
struct State {
    z: Vec<f64>,
    slope: Vec<f64>,
    logits: Vec<f64>,
}

/// Every switch from `a` to `b`, in order. Between two of them the network is one affine map, so the next switch is
/// where the first pre-activation, extrapolated linearly, reaches zero.
pub fn walk(net: &Net, a: &[f64], b: &[f64]) -> Vec<Switch> {
    let way: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    let line = (net.layers[0].affine(a), net.layers[0].apply(&way));
    let mut pattern = net.forward(a).0;
    let mut switches: Vec<Switch> = Vec::new();
    let mut at = 0.0;
    // A line crosses each unit's fold a few times. The limit only prevents rounding from stopping the progress.
    for _ in 0..1000 * pattern.len() {
        let state = state(net, &line, &pattern, at);
        let reaches =
            state.z.iter().zip(&state.slope).zip(&pattern).enumerate().filter_map(|(unit, ((z, slope), on))| {
                let leaves = if *on { *slope < 0.0 } else { *slope > 0.0 };
                leaves.then(|| ((at - z / slope).max(at), unit))
            });
        let Some((next, unit)) = reaches.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(next, _)| *next <= 1.0) else {
            break;
        };
        let logits = self::state(net, &line, &pattern, next).logits;
        pattern[unit] = !pattern[unit];
        switches.push(Switch { at: next, unit, on: pattern[unit], logits });
        at = next;
    }
    switches
}

/// Pre-activation and slope of every unit at a position of the line, if this pattern holds.
fn state(net: &Net, (start, way): &(Vec<f64>, Vec<f64>), pattern: &Pattern, at: f64) -> State {
    let mut z: Vec<f64> = start.iter().zip(way).map(|(start, way)| start + at * way).collect();
    let mut slope = way.clone();
    let (mut all_z, mut all_slopes) = (Vec::new(), Vec::new());
    for layer in &net.layers[1..] {
        let mask = &pattern[all_z.len()..];
        let masked =
            |values: &[f64]| values.iter().zip(mask).map(|(v, on)| if *on { *v } else { 0.0 }).collect::<Vec<f64>>();
        let next = (layer.affine(&masked(&z)), layer.apply(&masked(&slope)));
        all_z.append(&mut z);
        all_slopes.append(&mut slope);
        (z, slope) = next;
    }
    State { z: all_z, slope: all_slopes, logits: z }
}

#[cfg(test)]
mod tests {
    use super::super::net::tests::{random_input, random_mlp};
    use super::*;

    /// Between two switches the pattern is the network's own, at a switch its logits are; no switch is missed.
    #[test]
    fn every_switch_is_found() {
        let net = Net::of(&random_mlp(&[9, 12, 12, 4])).unwrap();
        let (a, b) = (random_input(1, 9), random_input(2, 9));
        let between = |t: f64| a.iter().zip(&b).map(|(a, b)| a + t * (b - a)).collect::<Vec<f64>>();
        let switches = walk(&net, &a, &b);
        assert!(switches.len() > 4, "{}", switches.len());
        let mut pattern = net.forward(&a).0;
        let mut from = 0.0;
        for (number, switch) in switches.iter().enumerate() {
            assert_eq!(net.forward(&between(f64::midpoint(from, switch.at))).0, pattern, "before switch {number}");
            let (_, logits) = net.forward(&between(switch.at));
            assert!(logits.iter().zip(&switch.logits).all(|(a, b)| (a - b).abs() < 1e-9));
            pattern[switch.unit] = switch.on;
            from = switch.at;
        }
        assert_eq!(net.forward(&b).0, pattern);
    }
}
