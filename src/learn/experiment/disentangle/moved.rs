//! Digits that are shifted and rotated.

use protocol::Steer;
use tch::{Kind, Tensor};

const SIDE: i64 = 28;

/// Images (count, 784), shifted and rotated about their middle, with black for what comes in from outside. Between
/// pixels the value is interpolated linearly.
pub fn moved(images: &Tensor, steer: Steer) -> Tensor {
    if steer == steer.untouched() {
        return images.shallow_clone();
    }
    let (sin, cos) = f64::from(steer.turn).to_radians().sin_cos();
    // In units of half an image, as the sampler expects.
    let [x, y] = [steer.right, steer.down].map(|pixels| f64::from(pixels) * 2.0 / SIDE as f64);
    // From a position of the result to its source: shifted back, then rotated back. y grows downward.
    let back = [cos, sin, -(cos * x + sin * y), -sin, cos, sin * x - cos * y];
    let count = images.size()[0];
    let back = Tensor::from_slice(&back).to_kind(Kind::Float).view([1, 2, 3]).expand([count, 2, 3], false);
    let grid = Tensor::affine_grid_generator(&back, [count, 1, SIDE, SIDE], false);
    let (bilinear, zeros) = (0, 0);
    images.view([count, 1, SIDE, SIDE]).grid_sampler(&grid, bilinear, zeros, false).view([count, SIDE * SIDE])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One white pixel at this column and row.
    fn dot(column: i64, row: i64) -> Tensor {
        let image = Tensor::zeros([1, SIDE * SIDE], (Kind::Float, tch::Device::Cpu));
        let _ = image.get(0).get(row * SIDE + column).fill_(1.0);
        image
    }

    fn brightest(image: &Tensor) -> (i64, i64, f64) {
        let at = image.argmax(1, false).int64_value(&[0]);
        (at % SIDE, at / SIDE, image.max().double_value(&[]))
    }

    #[test]
    fn a_dot_goes_where_it_is_sent() {
        let steer = |right, down, turn| Steer { right, down, turn, ..Steer::default() };
        let go = |column, row, steer| brightest(&moved(&dot(column, row), steer));
        let near = |found: (i64, i64, f64), column, row| {
            assert_eq!((found.0, found.1), (column, row));
            assert!((found.2 - 1.0).abs() < 1e-4, "{found:?}");
        };
        near(go(10, 20, steer(3, 0, 0)), 13, 20);
        near(go(10, 20, steer(0, -5, 0)), 10, 15);
        // A quarter turn clockwise about (13.5, 13.5): up becomes right. The rotation comes before the shift.
        near(go(13, 3, steer(0, 0, 90)), 24, 13);
        near(go(13, 3, steer(2, 1, 90)), 26, 14);
        near(go(13, 3, steer(0, 0, -90)), 3, 14);
        let gone = moved(&dot(1, 1), steer(-3, 0, 0));
        assert!(gone.abs().sum(Kind::Float).double_value(&[]) < 1e-6);
        assert_eq!(moved(&dot(4, 4), steer(0, 0, 0)), dot(4, 4));
    }
}
