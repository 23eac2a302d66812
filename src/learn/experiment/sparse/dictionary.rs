//! A dictionary of which a few columns add up to a patch: x is about D a, and every coefficient has a price.

use super::patches::SIDE;
use crate::experiment::ExperimentError;
use crate::random::Random;
use tch::{Device, Kind, Tensor};

const PIXELS: i64 = SIDE * SIDE;
pub const BATCH: i64 = 100;
/// About how many batches the running sums remember.
const MEMORY: f64 = 50.0;

/// Which signs coefficients may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Any,
    /// None below zero, so that the shrinkage is a rectifier.
    Positive,
}

/// D, with columns of length 1.
pub struct Dictionary {
    /// (64, atoms).
    pub atoms: Tensor,
    pub sign: Sign,
    /// The price of a coefficient.
    pub price: f64,
}

/// Proximal gradient: a <- shrink(a + D^T (x - D a) / L, price / L), L the largest eigenvalue of D^T D (Daubechies,
/// Defrise, De Mol 2004).
pub struct Steps<'a> {
    dictionary: &'a Dictionary,
    /// D^T x / L, (patches, atoms).
    input: Tensor,
    /// D^T D / L, (atoms, atoms).
    gram: Tensor,
    /// price / L.
    pub threshold: f64,
}

impl Steps<'_> {
    /// The input of the shrinkage: (patches, atoms).
    pub fn drive(&self, a: &Tensor) -> Tensor {
        a + (&self.input - a.matmul(&self.gram))
    }

    pub fn step(&self, a: &Tensor) -> Tensor {
        self.dictionary.shrink(&self.drive(a), self.threshold)
    }

    pub fn zero(&self) -> Tensor {
        self.input.zeros_like()
    }
}

impl Dictionary {
    /// Columns in random directions.
    pub fn new(atoms: u32, sign: Sign, price: f64, random: &mut Random) -> Self {
        let values: Vec<f32> = (0..PIXELS * i64::from(atoms)).map(|_| random.normal()).collect();
        let atoms = unit(&Tensor::from_slice(&values).view([PIXELS, i64::from(atoms)]));
        Self { atoms, sign, price }
    }

    /// Shrinks towards zero by this much, at most to zero.
    fn shrink(&self, z: &Tensor, by: f64) -> Tensor {
        match self.sign {
            Sign::Any => z.sign() * (z.abs() - by).relu(),
            Sign::Positive => (z - by).relu(),
        }
    }

    pub fn steps(&self, x: &Tensor) -> Steps<'_> {
        let gram = self.atoms.tr().matmul(&self.atoms);
        // A little more than the largest eigenvalue is safe; less is not.
        let largest = 1.001 * gram.linalg_eigvalsh("L").max().double_value(&[]);
        Steps {
            dictionary: self,
            input: x.matmul(&self.atoms) / largest,
            gram: gram / largest,
            threshold: self.price / largest,
        }
    }

    /// Codes of patches (patches, 64) by FISTA (Beck and Teboulle 2009): (patches, atoms). `poll` is called before each
    /// step; its error ends them.
    pub fn codes(
        &self,
        x: &Tensor,
        steps: u32,
        poll: impl Fn() -> Result<(), ExperimentError>,
    ) -> Result<Tensor, ExperimentError> {
        let ista = self.steps(x);
        let (mut a, mut t) = (ista.zero(), 1.0_f64);
        let mut ahead = a.shallow_clone();
        for _ in 0..steps {
            poll()?;
            let next = ista.step(&ahead);
            let later = f64::midpoint(1.0, (1.0 + 4.0 * t * t).sqrt());
            ahead = &next + (&next - &a) * ((t - 1.0) / later);
            (a, t) = (next, later);
        }
        Ok(a)
    }

    /// 1/2 |x - D a|^2 + price |a|_1, mean over the patches.
    pub fn cost(&self, x: &Tensor, a: &Tensor) -> f64 {
        let miss = (x - self.decode(a)).square().sum(Kind::Double).double_value(&[]);
        let paid = a.abs().sum(Kind::Double).double_value(&[]);
        (0.5 * miss + self.price * paid) / x.size()[0] as f64
    }

    /// D a: (patches, 64).
    pub fn decode(&self, a: &Tensor) -> Tensor {
        a.matmul(&self.atoms.tr())
    }

    /// Learns from `batches` batches of patches (many, 64), column by column over running sums (Mairal, Bach, Ponce,
    /// Sapiro 2009). After each batch `watch` gets the dictionary and the progress from 0 to 1.
    pub fn learn(
        &mut self,
        patches: &Tensor,
        batches: u32,
        steps: u32,
        random: &mut Random,
        mut watch: impl FnMut(&Self, f64) -> Result<(), ExperimentError>,
    ) -> Result<(), ExperimentError> {
        let count = self.atoms.size()[1];
        let (mut codes, mut products) = (
            Tensor::zeros([count, count], (Kind::Float, Device::Cpu)),
            Tensor::zeros([PIXELS, count], (Kind::Float, Device::Cpu)),
        );
        for batch in 1..=batches {
            let drawn: Vec<i64> = (0..BATCH).map(|_| i64::from(random.below(patches.size()[0] as u32))).collect();
            let x = patches.index_select(0, &Tensor::from_slice(&drawn));
            // Coding a batch is fast; `watch` is called after each.
            let a = self.codes(&x, steps, || Ok(()))?;
            let keep = 1.0 - 1.0 / f64::from(batch).min(MEMORY);
            codes = codes * keep + a.tr().matmul(&a) / BATCH as f64;
            products = products * keep + x.tr().matmul(&a) / BATCH as f64;
            let used = Vec::<f32>::try_from(codes.diag(0))?;
            for (column, used) in (0_i64..).zip(used) {
                let mut atom = self.atoms.narrow(1, column, 1);
                if used < 1e-6 {
                    // An unused column: it becomes a patch.
                    atom.copy_(&unit(&x.narrow(0, column % BATCH, 1).tr()));
                    continue;
                }
                let pull = products.narrow(1, column, 1) - self.atoms.matmul(&codes.narrow(1, column, 1));
                let moved = &atom + pull / f64::from(used);
                atom.copy_(&unit(&moved));
            }
            watch(self, f64::from(batch) / f64::from(batches))?;
        }
        Ok(())
    }

    /// Each column as a grey picture of 8x8, zero in the middle grey.
    pub fn pictures(&self) -> Result<Vec<Vec<u8>>, ExperimentError> {
        pictures(&self.atoms)
    }
}

/// Columns (64, count) as grey pictures, each with full contrast.
pub fn pictures(columns: &Tensor) -> Result<Vec<Vec<u8>>, ExperimentError> {
    let largest = columns.abs().amax([0].as_slice(), true).clamp_min(1e-12);
    let grey = (columns / largest * 127.0 + 128.0).round().to_kind(Kind::Uint8).tr().contiguous();
    (0..grey.size()[0]).map(|at| Ok(Vec::<u8>::try_from(grey.get(at))?)).collect()
}

/// Columns of length 1.
fn unit(columns: &Tensor) -> Tensor {
    columns / columns.square().sum_dim_intlist([0].as_slice(), true, Kind::Float).sqrt().clamp_min(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn random() -> Random {
        Random::new(1, Purpose::Experiment { number: 6 })
    }

    /// With an orthonormal dictionary the best code is the shrunk projection.
    #[test]
    fn codes_of_an_orthonormal_dictionary_are_shrunk_projections() {
        let mut random = random();
        let values: Vec<f32> = (0..5 * PIXELS).map(|_| random.normal()).collect();
        let x = Tensor::from_slice(&values).view([5, PIXELS]);
        let atoms = Tensor::eye(PIXELS, (Kind::Float, Device::Cpu));
        for (sign, best) in [(Sign::Any, x.sign() * (x.abs() - 0.5).relu()), (Sign::Positive, (&x - 0.5).relu())] {
            let dictionary = Dictionary { atoms: atoms.shallow_clone(), sign, price: 0.5 };
            let gap = (dictionary.codes(&x, 30, || Ok(())).unwrap() - best).abs().max().double_value(&[]);
            assert!(gap < 1e-3, "{sign:?}: {gap}");
        }
    }

    /// The optimality conditions of the penalty: |D^T (x - D a)| <= price, with equality where a is not 0.
    #[test]
    fn codes_meet_the_conditions_of_the_optimum() {
        let mut random = random();
        let dictionary = Dictionary::new(100, Sign::Any, 0.3, &mut random);
        let values: Vec<f32> = (0..3 * PIXELS).map(|_| random.normal()).collect();
        let x = Tensor::from_slice(&values).view([3, PIXELS]);
        let a = dictionary.codes(&x, 3000, || Ok(())).unwrap();
        let pull = (&x - dictionary.decode(&a)).matmul(&dictionary.atoms);
        assert!(pull.abs().max().double_value(&[]) < 0.3 + 2e-3);
        let active = a.ne(0.0);
        let gap = (pull - a.sign() * 0.3) * active.to_kind(Kind::Float);
        assert!(gap.abs().max().double_value(&[]) < 2e-3);
        assert!(active.any().int64_value(&[]) == 1);
    }

    /// Patches made of three hidden atoms each: the dictionary finds nearly all of the atoms.
    #[test]
    fn a_hidden_dictionary_is_found() {
        let mut random = random();
        let hidden = Dictionary::new(32, Sign::Any, 0.3, &mut random);
        let codes: Vec<f32> = (0..1000)
            .flat_map(|_| {
                let mut code = vec![0.0; 32];
                (0..3).for_each(|_| {
                    let sign = if random.uniform() < 0.5 { -1.0 } else { 1.0 };
                    code[random.below(32) as usize] = sign * (1.0 + random.uniform());
                });
                code
            })
            .collect();
        let x = hidden.decode(&Tensor::from_slice(&codes).view([1000, 32]));
        let mut learned = Dictionary::new(32, Sign::Any, 0.3, &mut random);
        learned.learn(&x, 150, 30, &mut random, |_, _| Ok(())).unwrap();
        let likeness = hidden.atoms.tr().matmul(&learned.atoms).abs().amax([1].as_slice(), false);
        let found = likeness.gt(0.9).sum(Kind::Int64).int64_value(&[]);
        assert!(found >= 26, "{found} of 32");
    }
}
