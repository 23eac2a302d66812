//! Published figures, digitised. The data is compiled in and parsed when a figure is drawn.

use protocol::Source;

const ALEXNET: &str = include_str!("../../../assets/reference/alexnet_fig1_vector.csv");
const LIF: &str = include_str!("../../../assets/reference/glorot2011_fig1_lif_digitised.csv");

/// Test error against zeros, for 170 of the 200 networks of Figure 3.
const SPARSITY: &str = include_str!("../../../assets/reference/glorot2011_fig3_digitised.csv");

pub fn krizhevsky() -> Source {
    Source::Cited("Krizhevsky, Sutskever, Hinton 2012, Fig. 1, digitised".into())
}

/// The errors and times on the project's page, and what its layer files say.
pub fn cuda_convnet() -> Source {
    Source::Cited("cuda-convnet, project page and layer files".into())
}

pub fn glorot() -> Source {
    Source::Cited("Glorot, Bordes, Bengio 2011, Fig. 1, digitised".into())
}

/// Training error in percent by epoch of `relu` or `tanh`.
pub fn alexnet(activation: &str) -> Vec<[f64; 2]> {
    let rows = ALEXNET.lines().filter_map(|line| line.strip_prefix(activation)?.strip_prefix(','));
    rows.filter_map(pair).map(|[epoch, error]| [epoch, 100.0 * error]).collect()
}

/// Firing rate in Hz against current in nA.
pub fn lif() -> Vec<[f64; 2]> {
    LIF.lines().filter_map(pair).collect()
}

/// Test error in percent against hidden zeros in percent.
pub fn sparsity() -> Vec<[f64; 2]> {
    SPARSITY.lines().filter_map(pair).collect()
}

pub fn glorot_sparsity() -> Source {
    Source::Cited("Glorot, Bordes, Bengio 2011, Fig. 3, digitised".into())
}

fn pair(line: &str) -> Option<[f64; 2]> {
    let (x, y) = line.split_once(',')?;
    Some([x.trim().parse().ok()?, y.trim().parse().ok()?])
}
