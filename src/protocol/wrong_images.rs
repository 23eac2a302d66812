//! Which images of a split a network gets wrong, one bit per image, as a paired test of two networks needs it.

/// Which images of the validation and of the test split were classified wrongly after an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrongImages {
    pub validation: ImageSet,
    pub test: ImageSet,
}

/// A set of a split's images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSet {
    /// Image i is bit i % 8 of byte i / 8, the lowest bit first.
    bits: Vec<u8>,
    /// Number of images of the split, in the set or not.
    images: u32,
}

impl ImageSet {
    /// From the values of `bits` and `images`. `None` if there are too few or too many bits, or one is set beyond the
    /// images.
    pub fn from_bits(bits: Vec<u8>, images: u32) -> Option<Self> {
        let beyond = bits.last().map_or(0, |last| if images.is_multiple_of(8) { 0 } else { last >> (images % 8) });
        (bits.len() == images.div_ceil(8) as usize && beyond == 0).then_some(Self { bits, images })
    }

    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// Number of images of the split, in the set or not.
    pub fn images(&self) -> u32 {
        self.images
    }

    pub fn contains(&self, image: u32) -> bool {
        image < self.images && self.bits[image as usize / 8] >> (image % 8) & 1 == 1
    }

    /// Number of images in the set.
    pub fn count(&self) -> u32 {
        self.bits.iter().map(|byte| byte.count_ones()).sum()
    }
}

impl FromIterator<bool> for ImageSet {
    /// For each image of the split, in order, whether it is in the set.
    fn from_iter<I: IntoIterator<Item = bool>>(images: I) -> Self {
        let mut set = Self::default();
        for is_in in images {
            if set.images.is_multiple_of(8) {
                set.bits.push(0);
            }
            if let Some(last) = set.bits.last_mut() {
                *last |= u8::from(is_in) << (set.images % 8);
            }
            set.images += 1;
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_survives_its_bits() {
        for images in [0_u32, 1, 7, 8, 9, 1000] {
            let set: ImageSet = (0..images).map(|image| image % 3 == 0).collect();
            assert_eq!((set.images(), set.count()), (images, images.div_ceil(3)));
            assert!((0..images).all(|image| set.contains(image) == (image % 3 == 0)));
            assert!(!set.contains(images));
            assert_eq!(ImageSet::from_bits(set.bits().to_vec(), images), Some(set));
        }
        assert_eq!(ImageSet::from_bits(vec![0b1000], 3), None, "a fourth image of three");
        assert_eq!(ImageSet::from_bits(vec![0, 0], 8), None);
    }
}
