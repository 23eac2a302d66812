//! Chooses the points of curves that get markers, which distinguish curves by more than colour.

use std::collections::HashSet;

type Cell = (u16, u16);

/// The cells in which a curve has points, in the curve's order.
pub struct MarkerRequest {
    pub cells: Vec<Cell>,
    /// The curve has no line, so every point has a marker.
    pub has_all: bool,
}

/// The cells of each curve's markers, far enough apart to show the line between them. Where curves overlap they take
/// turns, so that the last one drawn does not hide the others.
pub fn placed(requests: &[MarkerRequest], width: u16) -> Vec<Vec<Cell>> {
    let gap = (width / 10).max(4);
    let lines = requests.iter().filter(|curve| !curve.has_all).count().max(1) as u16;
    let mut taken = HashSet::new();
    // Curves with many points start at different columns.
    let mut from: Vec<u16> =
        (0..).zip(requests).map(|(at, curve)| first(curve, at % lines * gap / lines, gap)).collect();
    let mut placed: Vec<Vec<Cell>> =
        requests.iter().map(|curve| if curve.has_all { curve.cells.clone() } else { Vec::new() }).collect();
    loop {
        let mut any = false;
        for (at, curve) in requests.iter().enumerate().filter(|(_, curve)| !curve.has_all) {
            let free = |cell: &&Cell| !taken.contains(*cell);
            let next = curve.cells.iter().filter(|cell| cell.0 >= from[at]).find(free);
            // The end of a curve has a marker even if that is close to the one before.
            let end = || {
                let behind = |cell: &&Cell| placed[at].last().is_none_or(|last| cell.0 > last.0 + 1);
                curve.cells.last().filter(free).filter(behind)
            };
            if let Some(&cell) = next.or_else(end) {
                taken.insert(cell);
                placed[at].push(cell);
                from[at] = cell.0 + gap;
                any = true;
            }
        }
        if !any {
            return placed;
        }
    }
}

/// The first column for a marker of this curve.
fn first(curve: &MarkerRequest, shift: u16, gap: u16) -> u16 {
    let Some(start) = curve.cells.first() else { return 0 };
    let sparse = curve.cells.windows(2).all(|pair| pair[1].0.abs_diff(pair[0].0) >= gap);
    if sparse { start.0 } else { start.0 + shift }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cells: &[Cell]) -> MarkerRequest {
        MarkerRequest { cells: cells.to_vec(), has_all: false }
    }

    #[test]
    fn curves_over_each_other_take_turns() {
        let same = [(0, 5), (20, 5), (40, 5)];
        let marks = placed(&[line(&same), line(&same), line(&same)], 60);
        assert_eq!(marks, [[(0, 5)], [(20, 5)], [(40, 5)]]);
    }

    #[test]
    fn marks_leave_the_line_to_be_seen_and_reach_its_end() {
        let cells: Vec<Cell> = (0..60).map(|column| (column, 3)).collect();
        let columns = |marks: &[Cell]| marks.iter().map(|cell| cell.0).collect::<Vec<_>>();
        let one = placed(&[line(&cells)], 60);
        assert_eq!(columns(&one[0]), [0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 59]);
        let points = placed(&[MarkerRequest { cells: cells.clone(), has_all: true }], 60);
        assert_eq!(points[0], cells);
        assert!(placed(&[line(&[])], 60)[0].is_empty());
    }
}
