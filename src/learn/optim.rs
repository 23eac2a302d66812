//! Stochastic gradient descent as `torch.optim.SGD` defines it, with a state that can be saved; LibTorch's own
//! optimiser hides its state.

use super::network::{WeightsError, checked, export};
use super::observer::NamedTensor;
use protocol::ArmSettings;
use tch::Tensor;

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// 0 is plain SGD.
    pub momentum: f64,
    /// Steps by the gradient and the momentum of the next step instead of this one's velocity (Nesterov; Sutskever et
    /// al. 2013).
    pub nesterov: bool,
    /// Multiplied by the parameter and added to its gradient, for every parameter including biases.
    pub weight_decay: f64,
    /// The factor of the learning rate for biases.
    pub bias_rate: f64,
}

impl SgdSettings {
    /// The optimiser's part of an arm's settings.
    pub fn of(arm: &ArmSettings) -> Self {
        Self {
            momentum: arm.momentum,
            nesterov: arm.nesterov,
            weight_decay: arm.weight_decay,
            bias_rate: arm.bias_rate,
        }
    }
}

impl Default for SgdSettings {
    fn default() -> Self {
        Self::of(&ArmSettings::default())
    }
}

/// PyTorch's SGD without dampening, with g the gradient, w a parameter and v its velocity:
///
/// ```text
/// g <- g + weight_decay w;   v <- momentum v + g;   w <- w - rate v,   with Nesterov   w <- w - rate (g + momentum v)
/// ```
///
/// Without momentum, v is g itself and is not stored. Biases have `bias_rate` times the rate, like a parameter group of
/// their own in PyTorch.
#[derive(Debug)]
pub struct Sgd {
    settings: SgdSettings,
    /// The parameters' names, in their order.
    names: Vec<String>,
    /// One for each parameter; none before the first step or without momentum.
    velocity: Vec<Tensor>,
}

impl Sgd {
    /// For parameters of these names.
    pub fn new(settings: SgdSettings, names: &[String]) -> Self {
        Self { settings, names: names.to_vec(), velocity: Vec::new() }
    }

    /// One step for every parameter with its gradient, at this learning rate.
    pub fn step(&mut self, parameters: &mut [Tensor], gradients: &[Tensor], rate: f64) {
        let _guard = tch::no_grad_guard();
        let SgdSettings { momentum, nesterov, weight_decay, bias_rate } = self.settings;
        if momentum != 0.0 && self.velocity.is_empty() {
            self.velocity = gradients.iter().map(Tensor::zeros_like).collect();
        }
        for (at, (parameter, gradient)) in parameters.iter_mut().zip(gradients).enumerate() {
            let is_bias = self.names.get(at).is_some_and(|name| name.strip_suffix(".bias").is_some());
            let rate = if is_bias { rate * bias_rate } else { rate };
            let decayed;
            let gradient = if weight_decay == 0.0 {
                gradient
            } else {
                decayed = gradient + &*parameter * weight_decay;
                &decayed
            };
            if momentum == 0.0 {
                let _ = parameter.g_add_(&(gradient * -rate));
                continue;
            }
            let velocity = &mut self.velocity[at];
            let _ = velocity.g_mul_scalar_(momentum);
            let _ = velocity.g_add_(gradient);
            if nesterov {
                let _ = parameter.g_add_(&((gradient + &*velocity * momentum) * -rate));
            } else {
                let _ = parameter.g_add_(&(&*velocity * -rate));
            }
        }
    }

    /// `velocity.<name>` for every parameter, in order; empty without momentum.
    pub fn state(&self) -> Vec<NamedTensor> {
        self.names.iter().zip(&self.velocity).map(|(name, v)| export(&format!("velocity.{name}"), v)).collect()
    }

    /// Restores a saved state for parameters such as `like`; an empty state is that before the first step.
    pub fn restore(&mut self, state: &[NamedTensor], like: &[Tensor]) -> Result<(), WeightsError> {
        if state.is_empty() {
            self.velocity.clear();
            return Ok(());
        }
        let mut velocity = Vec::with_capacity(self.names.len());
        for (name, parameter) in self.names.iter().zip(like) {
            let saved = checked(state, &format!("velocity.{name}"), &parameter.size())?;
            // Stored in the parameter's memory layout, so that a step reads and writes both along the same rows.
            let mut own = parameter.detach().zeros_like();
            own.copy_(&saved);
            velocity.push(own);
        }
        self.velocity = velocity;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// w = 1, gradients 0.5, 0.25 and -1, rates 0.1, 0.1 and 0.05, by the formula above in 64 bits, step by step. With
    /// momentum m and weight decay d:
    ///
    /// ```text
    /// g1 = 0.5 + d;           v1 = g1;             w1 = 1 - 0.1 (v1, or g1 + m v1)
    /// g2 = 0.25 + d w1;       v2 = m v1 + g2;      w2 = w1 - 0.1 (v2, or g2 + m v2)
    /// g3 = -1 + d w2;         v3 = m v2 + g3;      w3 = w2 - 0.05 (v3, or g3 + m v3)
    /// ```
    ///
    /// m = 0.9, d = 0.1, Nesterov: g1 = 0.6, w1 = 1 - 0.1 (0.6 + 0.54) = 0.886; g2 = 0.3386, v2 = 0.8786,
    /// w2 = 0.886 - 0.1 (0.3386 + 0.79074) = 0.773066; g3 = -0.9226934, v3 = -0.1319534,
    /// w3 = 0.773066 - 0.05 (-0.9226934 - 0.11875806) = 0.825138573.
    #[test]
    fn steps_are_those_of_torch_optim_sgd() {
        let cases = [
            ((0.0, false, 0.0), [0.95, 0.925, 0.975]),
            ((0.0, false, 0.1), [0.94, 0.9056, 0.951_072]),
            ((0.9, false, 0.0), [0.95, 0.88, 0.898_5]),
            ((0.9, false, 0.1), [0.94, 0.851_6, 0.857_562]),
            ((0.9, true, 0.0), [0.905, 0.817, 0.883_65]),
            ((0.9, true, 0.1), [0.886, 0.773_066, 0.825_138_573]),
        ];
        for ((momentum, nesterov, weight_decay), expected) in cases {
            let mut w = [Tensor::from_slice(&[1.0_f32])];
            let settings = ArmSettings { momentum, nesterov, weight_decay, ..ArmSettings::default() };
            let mut sgd = Sgd::new(SgdSettings::of(&settings), &["w".into()]);
            for ((gradient, rate), expected) in [(0.5_f32, 0.1), (0.25, 0.1), (-1.0, 0.05)].into_iter().zip(expected) {
                sgd.step(&mut w, &[Tensor::from_slice(&[gradient])], rate);
                let found = w[0].double_value(&[0]);
                assert!((found - expected).abs() < 2e-7, "{momentum} {nesterov} {weight_decay}: {found}, {expected}");
            }
        }
    }

    /// By the formula: a weight and a bias starting at 1, both with the gradients 0.5 and 0.25 at the rate 0.1,
    /// momentum 0.9. The weight goes to 0.95 and 0.88, as above; the bias goes three times as far, to 0.85 and 0.64.
    #[test]
    fn biases_have_a_rate_of_their_own() {
        let names = ["fc1.weight", "fc1.bias"].map(String::from);
        let arm = ArmSettings { momentum: 0.9, bias_rate: 3.0, ..ArmSettings::default() };
        let mut sgd = Sgd::new(SgdSettings::of(&arm), &names);
        let mut parameters = [Tensor::from_slice(&[1.0_f32]), Tensor::from_slice(&[1.0_f32])];
        for (gradient, [weight, bias]) in [(0.5_f32, [0.95, 0.85]), (0.25, [0.88, 0.64])] {
            let gradient = Tensor::from_slice(&[gradient]);
            sgd.step(&mut parameters, &[gradient.shallow_clone(), gradient], 0.1);
            let found = [0, 1].map(|at| parameters[at].double_value(&[0]));
            assert!((found[0] - weight).abs() < 2e-7 && (found[1] - bias).abs() < 2e-7, "{found:?}");
        }
        // A factor of 0 keeps a bias unchanged, and the weight's step is as before.
        let mut sgd = Sgd::new(SgdSettings { bias_rate: 0.0, ..SgdSettings::default() }, &names);
        let before = parameters[1].copy();
        let gradient = || Tensor::from_slice(&[-1.0_f32]);
        sgd.step(&mut parameters, &[gradient(), gradient()], 0.1);
        assert!((parameters[0].double_value(&[0]) - 0.98).abs() < 2e-7 && parameters[1] == before);
    }

    #[test]
    fn a_restored_state_gives_the_same_steps() {
        let columns = |values: &[f32]| Tensor::from_slice(values).view([2, 2]).tr();
        let gradient = [columns(&[0.3, -0.2, 0.7, 1.9])];
        let mut w = [columns(&[1.0, 2.0, -3.0, 0.1])];
        let settings = SgdSettings { momentum: 0.9, ..SgdSettings::default() };
        let (mut sgd, mut resumed) = (Sgd::new(settings, &["w".into()]), Sgd::new(settings, &["w".into()]));
        sgd.step(&mut w, &gradient, 0.1);
        resumed.restore(&sgd.state(), &w).unwrap();
        assert_eq!(resumed.velocity[0].stride(), w[0].stride());
        let mut copy = [w[0].copy()];
        sgd.step(&mut w, &gradient, 0.1);
        resumed.step(&mut copy, &gradient, 0.1);
        assert_eq!(w[0], copy[0]);
    }
}
