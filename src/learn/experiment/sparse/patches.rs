//! Patches of whitened digits. Olshausen and Field's own pictures may not be redistributed, so pen strokes replace
//! them.

use crate::random::Random;
use tch::{Device, Kind, Tensor};

/// Pixels of a patch's side.
pub const SIDE: i64 = 8;
const PICTURE: i64 = 28;
/// The variance over all pixels of all patches (Olshausen and Field 1997).
const VARIANCE: f64 = 0.1;
/// A patch with less than this share of the mean variance is blank paper.
const PAPER: f64 = 0.25;
/// Patches that are drawn from each digit before blank ones are discarded.
const FROM_EACH: usize = 4;

/// Pictures (count, 784), each frequency f weighted by f exp(-(f/f0)^4) with f0 = 0.4 x 28 cycles per picture
/// (Olshausen and Field 1997): (count, 28, 28). It flattens the spectrum and removes the finest grain.
fn whitened(digits: &Tensor) -> Tensor {
    let f = Tensor::fft_fftfreq(PICTURE, 1.0 / PICTURE as f64, (Kind::Float, Device::Cpu));
    let radius = (f.square().unsqueeze(0) + f.square().unsqueeze(1)).sqrt();
    let filter = &radius * (-(&radius / (0.4 * PICTURE as f64)).pow_tensor_scalar(4)).exp();
    let (all, sides) = (None::<&[i64]>, [-2_i64, -1]);
    let spectrum = digits.view([-1, PICTURE, PICTURE]).fft_fft2(all, sides.as_slice(), "backward");
    (spectrum * filter).fft_ifft2(all, sides.as_slice(), "backward").real().contiguous()
}

/// Patches with ink in them, drawn at random positions of whitened digits: (patches, 64), of mean 0 each.
pub fn patches(digits: &Tensor, random: &mut Random) -> Tensor {
    let (pictures, count) = (whitened(digits), digits.size()[0]);
    let places = (PICTURE - SIDE + 1) as u32;
    let mut drawn = Vec::with_capacity(count as usize * FROM_EACH);
    for picture in 0..count {
        let picture = pictures.get(picture);
        for _ in 0..FROM_EACH {
            let (x, y) = (i64::from(random.below(places)), i64::from(random.below(places)));
            drawn.push(picture.narrow(0, y, SIDE).narrow(1, x, SIDE).reshape([SIDE * SIDE]));
        }
    }
    let all = Tensor::stack(&drawn, 0);
    let all = &all - all.mean_dim([1].as_slice(), true, Kind::Float);
    let variance = all.square().mean_dim([1].as_slice(), false, Kind::Float);
    let inked = variance.gt_tensor(&(variance.mean(Kind::Float) * PAPER)).nonzero().view(-1);
    let inked = all.index_select(0, &inked);
    let scale = (VARIANCE / inked.square().mean(Kind::Double).double_value(&[]).max(1e-12)).sqrt();
    inked * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn patches_are_centred_scaled_and_inked() {
        let mut random = Random::new(1, Purpose::Experiment { number: 6 });
        // Every picture half paper, half stripes.
        let picture: Vec<f32> = (0..784).map(|at| if at % 28 >= 14 && at / 28 % 4 < 2 { 1.0 } else { 0.0 }).collect();
        let digits = Tensor::from_slice(&picture).view([1, 784]).expand([50, 784], false).contiguous();
        let patches = patches(&digits, &mut random);
        let drawn = patches.size()[0];
        assert!((20..200).contains(&drawn), "{drawn}");
        assert!((patches.square().mean(Kind::Double).double_value(&[]) - VARIANCE).abs() < 1e-5);
        let means = patches.mean_dim([1].as_slice(), false, Kind::Double).abs().max().double_value(&[]);
        assert!(means < 1e-6, "{means}");
    }

    /// A wave of frequency f keeps its shape and is weighted by the filter at f.
    #[test]
    fn a_wave_is_weighted_by_its_frequency() {
        let x = Tensor::arange(28, (Kind::Float, Device::Cpu)) * (std::f64::consts::TAU * 3.0 / 28.0);
        let wave = x.cos().view([1, 28]).expand([28, 28], false).reshape([1, 784]);
        let weight = 3.0 * (-(3.0_f64 / 11.2).powi(4)).exp();
        let gap = (whitened(&wave).view([1, 784]) - wave * weight).abs().max().double_value(&[]);
        assert!(gap < 1e-4, "{gap}");
    }
}
