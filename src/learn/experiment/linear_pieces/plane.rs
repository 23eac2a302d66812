//! A plane through three inputs, divided into the network's pieces.

use super::net::{Net, Pattern};
use std::collections::HashMap;

/// Cells of the grid across and down.
pub const SIZE: (usize, usize) = (120, 84);
/// The margin around the triangle, as a share of its extent.
const MARGIN: f64 = 0.15;

/// Three inputs in a plane at their true distances, and the frame around them.
pub struct Plane {
    /// First corner, and two orthonormal directions.
    origin: Vec<f64>,
    directions: [Vec<f64>; 2],
    /// Left and top edge, and the side of a cell.
    left: f64,
    top: f64,
    side: f64,
    /// The cells of the three inputs: column and row.
    pub corners: [[f64; 2]; 3],
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Plane {
    /// Gram-Schmidt: the first edge is horizontal, the third corner below it.
    pub fn through(a: &[f64], b: &[f64], c: &[f64]) -> Self {
        let minus = |p: &[f64]| p.iter().zip(a).map(|(p, a)| p - a).collect::<Vec<f64>>();
        let unit = |v: Vec<f64>| {
            let length = dot(&v, &v).sqrt().max(f64::MIN_POSITIVE);
            v.into_iter().map(|x| x / length).collect::<Vec<f64>>()
        };
        let (ab, ac) = (minus(b), minus(c));
        let e = unit(ab.clone());
        let along = dot(&ac, &e);
        let f = unit(ac.iter().zip(&e).map(|(x, e)| x - along * e).collect());
        let flat = [[0.0, 0.0], [dot(&ab, &e), 0.0], [along, dot(&ac, &f)]];
        let extent = |axis: usize| {
            let values = flat.map(|corner| corner[axis]);
            (values.into_iter().fold(f64::INFINITY, f64::min), values.into_iter().fold(f64::NEG_INFINITY, f64::max))
        };
        let (x, y) = (extent(0), extent(1));
        let wide = (1.0 + 2.0 * MARGIN) * (x.1 - x.0) / SIZE.0 as f64;
        let high = (1.0 + 2.0 * MARGIN) * (y.1 - y.0) / SIZE.1 as f64;
        let side = wide.max(high);
        let left = f64::midpoint(x.0, x.1) - side * SIZE.0 as f64 / 2.0;
        let top = f64::midpoint(y.0, y.1) - side * SIZE.1 as f64 / 2.0;
        let corners = flat.map(|[x, y]| [(x - left) / side, (y - top) / side]);
        Self { origin: a.to_vec(), directions: [e, f], left, top, side, corners }
    }

    /// The input at the middle of a cell.
    pub fn input(&self, column: usize, row: usize) -> Vec<f64> {
        let x = self.left + (column as f64 + 0.5) * self.side;
        let y = self.top + (row as f64 + 0.5) * self.side;
        let [e, f] = &self.directions;
        self.origin.iter().zip(e).zip(f).map(|((o, e), f)| o + x * e + y * f).collect()
    }

    /// Whether the middle of a cell is in the triangle of the three inputs.
    pub fn inside(&self, column: usize, row: usize) -> bool {
        let p = [column as f64 + 0.5, row as f64 + 0.5];
        let [a, b, c] = self.corners;
        let side = |u: [f64; 2], v: [f64; 2]| (v[0] - u[0]) * (p[1] - u[1]) - (v[1] - u[1]) * (p[0] - u[0]);
        let sides = [side(a, b), side(b, c), side(c, a)];
        sides.iter().all(|s| *s >= 0.0) || sides.iter().all(|s| *s <= 0.0)
    }
}

/// Numbers patterns in the order of their first appearance.
#[derive(Default)]
pub struct PatternNumbers(HashMap<Pattern, u32>);

impl PatternNumbers {
    pub fn number(&mut self, pattern: Pattern) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(pattern).or_insert(next)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// The class of the largest logit.
pub fn class(logits: &[f64]) -> usize {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0)
}

/// The pieces of one row of the grid, and the classes.
pub fn row(net: &Net, plane: &Plane, row: usize, numbers: &mut PatternNumbers) -> Vec<(u32, u32)> {
    (0..SIZE.0)
        .map(|column| {
            let (pattern, logits) = net.forward(&plane.input(column, row));
            (numbers.number(pattern), class(&logits) as u32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_are_the_inputs() {
        let (a, b, c) = ([0.0, 0.0, 1.0], [3.0, 0.0, 1.0], [1.0, 0.0, 5.0]);
        let plane = Plane::through(&a, &b, &c);
        for (corner, input) in plane.corners.iter().zip([a, b, c]) {
            let found = plane.input(corner[0] as usize, corner[1] as usize);
            // To within half a cell.
            let far = found.iter().zip(&input).all(|(x, y)| (x - y).abs() <= plane.side);
            assert!(far, "{found:?}, not {input:?}");
            assert!((0.0..SIZE.0 as f64).contains(&corner[0]) && (0.0..SIZE.1 as f64).contains(&corner[1]));
        }
        let middle = [0, 1].map(|axis| plane.corners.iter().map(|c| c[axis]).sum::<f64>() / 3.0);
        assert!(plane.inside(middle[0] as usize, middle[1] as usize) && !plane.inside(0, 0));
    }
}
