//! Stochastic gradient descent with momentum, its state open to be saved: LibTorch's own optimiser hides it.

use super::model::WeightsError;
use super::model::{checked, export};
use super::observer::NamedTensor;
use tch::Tensor;

/// v <- momentum v + gradient; w <- w - rate v (PyTorch's form of Sutskever et al. 2013). Without momentum, v is the
/// gradient itself and nothing is kept.
#[derive(Debug)]
pub struct Sgd {
    pub learning_rate: f64,
    pub momentum: f64,
    /// One a parameter, or none before the first step and without momentum.
    velocity: Vec<Tensor>,
}

impl Sgd {
    pub fn new(learning_rate: f64, momentum: f64) -> Self {
        Self { learning_rate, momentum, velocity: Vec::new() }
    }

    /// One step for every parameter with its gradient.
    pub fn step(&mut self, parameters: &mut [Tensor], gradients: &[Tensor]) {
        let _guard = tch::no_grad_guard();
        if self.momentum == 0.0 {
            for (parameter, gradient) in parameters.iter_mut().zip(gradients) {
                let _ = parameter.g_add_(&(gradient * -self.learning_rate));
            }
            return;
        }
        if self.velocity.is_empty() {
            self.velocity = gradients.iter().map(Tensor::zeros_like).collect();
        }
        for ((parameter, gradient), velocity) in parameters.iter_mut().zip(gradients).zip(&mut self.velocity) {
            let _ = velocity.g_mul_scalar_(self.momentum);
            let _ = velocity.g_add_(gradient);
            let _ = parameter.g_add_(&(&*velocity * -self.learning_rate));
        }
    }

    /// `velocity.<name>` for every parameter, in order; empty without momentum.
    pub fn state(&self, names: &[&str]) -> Vec<NamedTensor> {
        names.iter().zip(&self.velocity).map(|(name, v)| export(&format!("velocity.{name}"), v)).collect()
    }

    /// Takes up a saved state for parameters such as `like`; an empty one is that of the first step.
    pub fn restore(
        &mut self,
        state: &[NamedTensor],
        names: &[&'static str],
        like: &[Tensor],
    ) -> Result<(), WeightsError> {
        if state.is_empty() {
            self.velocity.clear();
            return Ok(());
        }
        let mut velocity = Vec::with_capacity(names.len());
        for (name, parameter) in names.iter().zip(like) {
            let saved = checked(state, &format!("velocity.{name}"), name, &parameter.size())?;
            // In memory as the parameter lies, so that a step reads and writes both along the same rows.
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

    /// Two steps by hand, w = 1, gradients 0.5 and 0.25, rate 0.1.
    #[test]
    fn steps_follow_the_formula() {
        for (momentum, expected) in [(0.0, 1.0 - 0.05 - 0.025), (0.9, 1.0 - 0.05 - 0.1 * (0.45 + 0.25))] {
            let mut w = [Tensor::from_slice(&[1.0_f32])];
            let mut sgd = Sgd::new(0.1, momentum);
            for g in [0.5_f32, 0.25] {
                sgd.step(&mut w, &[Tensor::from_slice(&[g])]);
            }
            assert!((w[0].double_value(&[0]) - expected).abs() < 1e-7, "momentum {momentum}");
        }
    }

    #[test]
    fn a_restored_state_goes_on_alike() {
        let columns = |values: &[f32]| Tensor::from_slice(values).view([2, 2]).tr();
        let gradient = [columns(&[0.3, -0.2, 0.7, 1.9])];
        let mut w = [columns(&[1.0, 2.0, -3.0, 0.1])];
        let mut sgd = Sgd::new(0.1, 0.9);
        sgd.step(&mut w, &gradient);
        let mut resumed = Sgd::new(0.1, 0.9);
        resumed.restore(&sgd.state(&["w"]), &["w"], &w).unwrap();
        assert_eq!(resumed.velocity[0].stride(), w[0].stride());
        let mut copy = [w[0].copy()];
        sgd.step(&mut w, &gradient);
        resumed.step(&mut copy, &gradient);
        assert_eq!(w[0], copy[0]);
    }
}
