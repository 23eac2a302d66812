//! The network of a lane with what computes it: LibTorch throughout, or our fused kernels for the large layers.

use super::data::{ImageShape, Preprocessing, Split, Transform};
use super::fused::{FusedConvnet, FusedLeNet4};
use super::network::{Mode, Network};
use protocol::Backend;
use std::fmt;
use tch::Tensor;

/// Computes logits and gradients, in either way.
pub struct Engine {
    pub net: Network,
    pub preprocessing: Preprocessing,
    form: Form,
}

enum Form {
    Lenet4(Box<FusedLeNet4>),
    Convnet(Box<FusedConvnet>),
    /// As requested, or because the fused form does not fit.
    Libtorch(Option<Misfit>),
}

/// Why LibTorch takes over where the fused form was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Only LeNet-4 and the convnet have fused layers.
    Network,
    /// No layer of normalisation is fused.
    Normalisation,
    /// LeNet-4's fused layers read grey images of 28x28 pixels, which the network pads to 32x32.
    Images(ImageShape),
    /// LeNet-4's fused layers read values of 0 to 1.
    Inputs,
    /// The fused layers do not support an activation with a trained parameter.
    TrainedActivation,
    /// The fused layers compute on the lane's own thread, LibTorch's layers on as many as a lane has.
    Threads,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network => f.write_str("only LeNet-4 and the convnet are fused"),
            Self::Normalisation => f.write_str("normalisation is not fused"),
            Self::Images(shape) => write!(f, "images of {shape}, not 28x28 grey"),
            Self::Inputs => f.write_str("the inputs are not pixels from 0 to 1"),
            Self::TrainedActivation => f.write_str("an activation is trained"),
            Self::Threads => f.write_str("threads > 1"),
        }
    }
}

/// The fused form that computes such a lane, or why there is none. Widths are no reason: LeNet-4's is the faster one up to the
/// widest that a spec may have (`cargo bench --bench epoch -- 3 256,256,4096 100 300`), though by less.
fn fuse(net: &Network, images: ImageShape, preprocessing: &Preprocessing, threads: u32) -> Result<Form, Misfit> {
    let activations = net.architecture.activations;
    let form = if let Some(widths) = net.architecture.lenet4_widths() {
        if images != (ImageShape { channels: 1, height: 28, width: 28 }) {
            return Err(Misfit::Images(images));
        }
        if *preprocessing != Preprocessing::Unit {
            return Err(Misfit::Inputs);
        }
        Form::Lenet4(Box::new(FusedLeNet4::new(widths)))
    } else if let Some(widths) = net.architecture.convnet_widths() {
        Form::Convnet(Box::new(FusedConvnet::new(images, widths)))
    } else if net.architecture.is_normalised() {
        return Err(Misfit::Normalisation);
    } else {
        return Err(Misfit::Network);
    };
    if [activations.conv, activations.fc].iter().any(|activation| activation.is_trained()) {
        Err(Misfit::TrainedActivation)
    } else if threads > 1 {
        Err(Misfit::Threads)
    } else {
        Ok(form)
    }
}

impl Engine {
    /// For images of this shape, unpadded, and what becomes of their pixels. `threads` is the number of LibTorch's threads in
    /// this lane.
    pub fn new(net: Network, images: ImageShape, preprocessing: Preprocessing, backend: Backend, threads: u32) -> Self {
        let form = match backend {
            Backend::Libtorch => Form::Libtorch(None),
            Backend::Fused => match fuse(&net, images, &preprocessing, threads) {
                Ok(form) => return Self { net: net.laid_out_for_fusion(), preprocessing, form },
                Err(why) => Form::Libtorch(Some(why)),
            },
        };
        Self { net, preprocessing, form }
    }

    /// What really runs, for readers and for the comparison of a resumed run with its beginning: `libtorch`, with the
    /// reason if it was not asked for, or `fused` with its vector instructions.
    pub fn name(&self) -> String {
        let set = match &self.form {
            Form::Libtorch(None) => return Backend::Libtorch.to_string(),
            Form::Libtorch(Some(why)) => return format!("{} ({why})", Backend::Libtorch),
            Form::Lenet4(fused) => fused.instruction_set(),
            Form::Convnet(fused) => fused.instruction_set(),
        };
        format!("{} ({})", Backend::Fused, set.name())
    }

    /// The logits of the picked images of a split: (picked, classes).
    pub fn logits(&mut self, split: &Split, pick: &[i64], mode: Mode) -> Tensor {
        self.transformed_logits(split, pick, &[], mode)
    }

    /// The same of images to which something is done. `transforms` has one for each of them, or none.
    pub fn transformed_logits(&mut self, split: &Split, pick: &[i64], transforms: &[Transform], mode: Mode) -> Tensor {
        match &mut self.form {
            Form::Libtorch(_) => {
                let padding = self.net.architecture.padding;
                let images = split.transformed_inputs(pick, transforms, padding, &self.preprocessing);
                self.net.logits_in(&images, mode)
            }
            Form::Lenet4(fused) if transforms.is_empty() => fused.logits(&self.net, split.pixels(), pick, mode),
            Form::Lenet4(fused) => {
                let all: Vec<i64> = (0..pick.len() as i64).collect();
                fused.logits(&self.net, &split.transformed_pixels(pick, transforms), &all, mode)
            }
            Form::Convnet(fused) => {
                let padding = self.net.architecture.padding;
                let (values, _) = self.preprocessing.convert_images(split, pick, transforms, padding);
                fused.logits(&self.net, &values, mode)
            }
        }
    }

    /// The gradients of a loss over the last logits, in the order of the network's parameters.
    pub fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor> {
        match &mut self.form {
            Form::Libtorch(_) => Tensor::run_backward(&[loss], &self.net.parameters, false, false),
            Form::Lenet4(fused) => fused.gradients(&self.net, loss).into(),
            Form::Convnet(fused) => fused.gradients(&self.net, loss).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;
    use protocol::{Activation, Activations, Init};

    #[test]
    fn libtorch_takes_over_where_the_fused_form_does_not_fit() {
        let grey = ImageShape { channels: 1, height: 28, width: 28 };
        let relu = Activation::Relu;
        let both = Activations { conv: relu, fc: relu };
        let lenet4 = |activations| Architecture::lenet4([2, 3, 4], activations, 0.5);
        let with = |architecture: Architecture, images: ImageShape, preprocessing: Preprocessing, threads: u32| {
            let net = Network::new(architecture, images, 10, Init::He, 1);
            Engine::new(net, images, preprocessing, Backend::Fused, threads).name()
        };
        let name = |architecture: Architecture, images: ImageShape, threads: u32| {
            with(architecture, images, Preprocessing::Unit, threads)
        };
        let centred = Preprocessing::LessImage(vec![0.5; grey.len()]);
        assert_eq!(with(lenet4(both), grey, centred, 1), "libtorch (the inputs are not pixels from 0 to 1)");
        assert!(name(lenet4(both), grey, 1).starts_with("fused ("));
        assert_eq!(name(lenet4(both), grey, 2), "libtorch (threads > 1)");
        let small = ImageShape { channels: 1, height: 8, width: 28 };
        assert_eq!(name(lenet4(both), small, 1), "libtorch (images of 8x28 grey, not 28x28 grey)");
        let colour = ImageShape { channels: 3, ..grey };
        assert_eq!(name(lenet4(both), colour, 1), "libtorch (images of 28x28 RGB, not 28x28 grey)");
        let trained = Activations { fc: Activation::PRELU, ..both };
        assert_eq!(name(lenet4(trained), grey, 1), "libtorch (an activation is trained)");
        for norm in ["batch", "local"] {
            for mut architecture in [lenet4(both), Architecture::convnet([2, 2, 2, 2], both, 0.5)] {
                architecture.normalise(norm.parse().unwrap());
                assert_eq!(name(architecture, grey, 1), "libtorch (normalisation is not fused)");
            }
        }
        let mlp = Architecture::mlp(&[5], relu, 0.0);
        assert_eq!(name(mlp, grey, 1), "libtorch (only LeNet-4 and the convnet are fused)");
        let convnet = || Architecture::convnet([2, 2, 2, 2], both, 0.5);
        assert!(name(convnet(), small, 1).starts_with("fused (") && name(convnet(), colour, 1).starts_with("fused ("));
        assert_eq!(name(convnet(), colour, 2), "libtorch (threads > 1)");
    }
}
