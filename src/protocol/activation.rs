//! The activation functions that the notebook knows. Each is one variant and one entry of [`ACTIVATIONS`].

use super::format_real;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, mem::discriminant, str::FromStr};

/// An elementwise activation function; lessons and studies name it, `learn::activation` computes it on tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Activation {
    Relu,
    Tanh,
    Sigmoid,
    Softplus,
    /// With its slope on the negative side.
    Leaky(Parameter),
    /// With the absolute value of its limit on the negative side.
    Elu(Parameter),
    Gelu,
    Silu,
    Mish,
    Linear,
    HardTanh,
    /// 1.7159 tanh(2z/3).
    LecunTanh,
    Selu,
    /// With the slope on the negative side at which its training starts. Each layer trains one slope.
    Prelu(Parameter),
}

/// A finite parameter of an activation or an initialisation, compared and hashed by its bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameter(u64);

impl Parameter {
    /// Zero has one sign, so that equal numbers have equal bits.
    pub const fn new(value: f64) -> Self {
        Self(if value == 0.0 { 0 } else { value.to_bits() })
    }

    pub const fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl PartialOrd for Parameter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parameter {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value().total_cmp(&other.value())
    }
}

/// The description of an activation.
pub struct ActivationEntry {
    /// With its default parameter, if it has one.
    pub activation: Activation,
    /// The name in studies and on the command line: lower case, without a hyphen.
    pub name: &'static str,
    /// The name in running text.
    pub title: &'static str,
    /// The formula, for readers.
    pub formula: &'static str,
    /// phi(z, parameter).
    pub value: fn(f64, f64) -> f64,
    /// phi'(z, parameter); at a kink, the value that LibTorch takes.
    pub slope: fn(f64, f64) -> f64,
    /// What the parameter is, and its range.
    pub parameter: Option<ParameterEntry>,
    /// The publication that describes it.
    pub reference: &'static str,
}

pub struct ParameterEntry {
    pub meaning: &'static str,
    pub low: f64,
    pub high: f64,
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// Both of Klambauer et al. 2017, for a fixed point of mean 0 and variance 1.
pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// The density and the distribution function of a standard normal number.
fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

fn normal_distribution(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Every activation, in the order in which lists show them.
pub const ACTIVATIONS: [ActivationEntry; 14] = [
    ActivationEntry {
        activation: Activation::Relu,
        name: "relu",
        title: "ReLU",
        formula: "max(0, z)",
        value: |z, _| z.max(0.0),
        slope: |z, _| if z > 0.0 { 1.0 } else { 0.0 },
        parameter: None,
        reference: "Nair and Hinton 2010; Glorot, Bordes and Bengio 2011",
    },
    ActivationEntry {
        activation: Activation::Tanh,
        name: "tanh",
        title: "Tanh",
        formula: "tanh z",
        value: |z, _| z.tanh(),
        slope: |z, _| 1.0 - z.tanh().powi(2),
        parameter: None,
        reference: "LeCun et al. 1998, Efficient BackProp",
    },
    ActivationEntry {
        activation: Activation::Sigmoid,
        name: "sigmoid",
        title: "Sigmoid",
        formula: "1 / (1 + exp(-z))",
        value: |z, _| logistic(z),
        slope: |z, _| logistic(z) * logistic(-z),
        parameter: None,
        reference: "Rumelhart, Hinton and Williams 1986",
    },
    ActivationEntry {
        activation: Activation::Softplus,
        name: "softplus",
        title: "Softplus",
        formula: "log(1 + exp(z))",
        value: |z, _| softplus(z),
        slope: |z, _| logistic(z),
        parameter: None,
        reference: "Dugas et al. 2001",
    },
    ActivationEntry {
        activation: Activation::Leaky(Parameter::new(0.01)),
        name: "leaky",
        title: "Leaky",
        formula: "z if z > 0, else a z",
        value: |z, a| if z > 0.0 { z } else { a * z },
        slope: |z, a| if z > 0.0 { 1.0 } else { a },
        parameter: Some(ParameterEntry { meaning: "slope on the negative side", low: 0.0, high: 1.0 }),
        reference: "Maas, Hannun and Ng 2013",
    },
    ActivationEntry {
        activation: Activation::Elu(Parameter::new(1.0)),
        name: "elu",
        title: "ELU",
        formula: "z if z > 0, else a (exp(z) - 1)",
        value: |z, a| if z > 0.0 { z } else { a * z.exp_m1() },
        slope: |z, a| if z > 0.0 { 1.0 } else { a * z.exp() },
        parameter: Some(ParameterEntry { meaning: "limit on the negative side", low: 0.0, high: 10.0 }),
        reference: "Clevert, Unterthiner and Hochreiter 2016",
    },
    ActivationEntry {
        activation: Activation::Gelu,
        name: "gelu",
        title: "GELU",
        formula: "z Phi(z), with Phi of the normal distribution",
        value: |z, _| z * normal_distribution(z),
        slope: |z, _| normal_distribution(z) + z * normal_density(z),
        parameter: None,
        reference: "Hendrycks and Gimpel 2016",
    },
    ActivationEntry {
        activation: Activation::Silu,
        name: "silu",
        title: "SiLU",
        formula: "z / (1 + exp(-z))",
        value: |z, _| z * logistic(z),
        slope: |z, _| logistic(z) * (1.0 + z * logistic(-z)),
        parameter: None,
        reference: "Elfwing, Uchibe and Doya 2018",
    },
    ActivationEntry {
        activation: Activation::Mish,
        name: "mish",
        title: "Mish",
        formula: "z tanh(log(1 + exp(z)))",
        value: |z, _| z * softplus(z).tanh(),
        slope: |z, _| {
            let gate = softplus(z).tanh();
            gate + z * (1.0 - gate.powi(2)) * logistic(z)
        },
        parameter: None,
        reference: "Misra 2019",
    },
    ActivationEntry {
        activation: Activation::Linear,
        name: "linear",
        title: "Linear",
        formula: "z",
        value: |z, _| z,
        slope: |_, _| 1.0,
        parameter: None,
        reference: "no activation at all",
    },
    ActivationEntry {
        activation: Activation::HardTanh,
        name: "hardtanh",
        title: "Hard Tanh",
        formula: "z within -1 to 1, the nearer of these beyond",
        value: |z, _| z.clamp(-1.0, 1.0),
        slope: |z, _| if z > -1.0 && z < 1.0 { 1.0 } else { 0.0 },
        parameter: None,
        reference: "Collobert 2004",
    },
    ActivationEntry {
        activation: Activation::LecunTanh,
        name: "lecuntanh",
        title: "LeCun Tanh",
        formula: "1.7159 tanh(2z/3)",
        value: |z, _| 1.7159 * (2.0 / 3.0 * z).tanh(),
        slope: |z, _| 1.7159 * 2.0 / 3.0 * (1.0 - (2.0 / 3.0 * z).tanh().powi(2)),
        parameter: None,
        reference: "LeCun, Bottou, Bengio and Haffner 1998, appendix A",
    },
    ActivationEntry {
        activation: Activation::Selu,
        name: "selu",
        title: "SELU",
        formula: "1.0507 z if z > 0, else 1.0507 * 1.6733 (exp(z) - 1)",
        value: |z, _| SELU_SCALE * if z > 0.0 { z } else { SELU_ALPHA * z.exp_m1() },
        slope: |z, _| SELU_SCALE * if z > 0.0 { 1.0 } else { SELU_ALPHA * z.exp() },
        parameter: None,
        reference: "Klambauer et al. 2017",
    },
    ActivationEntry {
        activation: Activation::Prelu(Parameter::new(0.25)),
        name: "prelu",
        title: "PReLU",
        formula: "z if z > 0, else a z, with a trained",
        value: |z, a| if z > 0.0 { z } else { a * z },
        slope: |z, a| if z > 0.0 { 1.0 } else { a },
        parameter: Some(ParameterEntry { meaning: "slope on the negative side at the start", low: 0.0, high: 1.0 }),
        reference: "He, Zhang, Ren and Sun 2015",
    },
];

impl Activation {
    /// Slope 0.01 on the negative side (Maas 2013).
    pub const LEAKY: Self = Self::Leaky(Parameter::new(0.01));
    pub const ELU: Self = Self::Elu(Parameter::new(1.0));
    pub const PRELU: Self = Self::Prelu(Parameter::new(0.25));

    /// Every activation with its default parameter.
    pub fn all() -> impl Iterator<Item = Self> {
        ACTIVATIONS.iter().map(|entry| entry.activation)
    }

    pub fn entry(self) -> &'static ActivationEntry {
        const { assert!(ACTIVATIONS.len() == 14) };
        let is_this = |entry: &&ActivationEntry| discriminant(&entry.activation) == discriminant(&self);
        // A test checks that every variant has its entry, so the first is never returned for another.
        ACTIVATIONS.iter().find(is_this).unwrap_or(&ACTIVATIONS[0])
    }

    pub fn parameter(self) -> Option<Parameter> {
        match self {
            Self::Leaky(parameter) | Self::Elu(parameter) | Self::Prelu(parameter) => Some(parameter),
            _ => None,
        }
    }

    /// The same activation with another parameter; unchanged if it has none.
    pub fn with_parameter(self, parameter: Parameter) -> Self {
        match self {
            Self::Leaky(_) => Self::Leaky(parameter),
            Self::Elu(_) => Self::Elu(parameter),
            Self::Prelu(_) => Self::Prelu(parameter),
            without => without,
        }
    }

    /// Whether each layer trains its parameter.
    pub fn is_trained(self) -> bool {
        matches!(self, Self::Prelu(_))
    }

    /// phi(z), for curves and tests; networks compute it on tensors.
    pub fn value(self, z: f64) -> f64 {
        (self.entry().value)(z, self.parameter().map_or(0.0, Parameter::value))
    }

    /// phi'(z).
    pub fn slope(self, z: f64) -> f64 {
        (self.entry().slope)(z, self.parameter().map_or(0.0, Parameter::value))
    }

    /// The parameter, if it is not the default.
    fn own_parameter(self) -> Option<f64> {
        let default = self.entry().activation.parameter();
        self.parameter().filter(|own| Some(*own) != default).map(Parameter::value)
    }

    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The name in running text: `ReLU`, `Tanh`, ...
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// The name with a parameter that is not the default: `Leaky 0.2`.
    pub fn label(self) -> String {
        self.own_parameter().map_or(self.title().into(), |value| format!("{} {}", self.title(), format_real(value)))
    }

    /// The name in slugs and folders: `relu`, `leaky0.2`.
    pub fn slug(self) -> String {
        self.own_parameter().map_or(self.name().into(), |value| format!("{}{value}", self.name()))
    }
}

impl fmt::Display for Activation {
    /// `relu`, `leaky(0.2)`. A default parameter is not written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.own_parameter() {
            None => f.pad(self.name()),
            Some(value) => f.pad(&format!("{}({})", self.name(), format_real(value))),
        }
    }
}

impl FromStr for Activation {
    type Err = String;

    /// Parses `relu`, `leaky(0.2)`, and the form of a slug, `leaky0.2`; the name in any case, `ReLU`.
    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let Some(entry) = ACTIVATIONS.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)) else {
            let known: Vec<&str> = ACTIVATIONS.iter().map(|entry| entry.name).collect();
            return Err(format!("unknown activation `{text}`; known are {}", known.join(", ")));
        };
        if rest.is_empty() {
            return Ok(entry.activation);
        }
        let number = rest.strip_prefix('(').map_or(Some(rest), |inner| inner.strip_suffix(')'));
        let Some(parameter) = &entry.parameter else {
            return Err(format!("`{text}`: {name} has no parameter; write {name}"));
        };
        let ParameterEntry { meaning, low, high } = parameter;
        match number.and_then(|number| number.trim().parse::<f64>().ok()) {
            Some(value) if (*low..=*high).contains(&value) => {
                Ok(entry.activation.with_parameter(Parameter::new(value)))
            }
            _ => Err(format!("`{text}`: the {meaning} is a number from {low} to {high}, as in {name}(0.2)")),
        }
    }
}

crate::stored_as_text::stored_as_text!(Activation);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_activation_reads_back_as_it_prints() {
        let own = [Activation::Leaky(Parameter::new(0.2)), Activation::Elu(Parameter::new(0.5))];
        for activation in Activation::all().chain(own) {
            assert_eq!(activation.to_string().parse(), Ok(activation));
            assert_eq!(activation.slug().parse(), Ok(activation));
            assert_eq!(discriminant(&activation.entry().activation), discriminant(&activation));
        }
        assert_eq!(own[0].to_string(), "leaky(0.2)");
        assert_eq!((own[0].slug(), own[0].label()), ("leaky0.2".into(), "Leaky 0.2".into()));
        assert_eq!("leaky(0.01)".parse(), Ok(Activation::LEAKY));
        assert_eq!("ReLU".parse(), Ok(Activation::Relu));
    }

    #[test]
    fn a_wrong_parameter_is_named_with_the_remedy() {
        for (text, remedy) in [
            ("leaky(2)", "0 to 1"),
            ("leaky(nan)", "0 to 1"),
            ("leaky(", "0 to 1"),
            ("relu(1)", "write relu"),
            ("rlu", "known are relu, tanh"),
        ] {
            let error = text.parse::<Activation>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains(remedy), "{error}");
        }
    }

    /// Each slope is compared with a central difference of its own function, away from the kinks.
    #[test]
    fn slopes_are_derivatives() {
        for activation in Activation::all() {
            for z in [-3.1, -1.3, -0.4, 0.3, 0.9, 2.2] {
                let step = 1e-5;
                let difference = (activation.value(z + step) - activation.value(z - step)) / (2.0 * step);
                assert!((difference - activation.slope(z)).abs() < 1e-8, "{activation} at {z}");
            }
        }
    }
}
