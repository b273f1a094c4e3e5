//! CRCs of stretches joined to that of the whole, without their bytes: in a tenth of a microsecond
//! for the lengths of blocks, so that it can be done for each of thousands.
//!
//! A CRC is the remainder of a polynomial over GF(2). Appending `n` bytes multiplies the first
//! stretch's remainder by x^8n; the rest is an addition, which is XOR. Powers of x modulo the
//! polynomial are known beforehand by squaring.

use crate::Crc64Nvme;

/// The polynomial of CRC-64/NVME (NVM Express NVM Command Set Specification 1.1), bits reversed.
const POLYNOMIAL: u64 = 0x9a6c_9329_ac4b_c9b5;

/// One, with the bits reversed: the highest is x^0.
const ONE: u64 = 1 << 63;

/// x^(2^k) modulo the polynomial, for each k.
const POWERS: [u64; 64] = powers();

const fn powers() -> [u64; 64] {
    let mut powers = [0; 64];
    let mut power = ONE >> 1;
    let mut k = 0;
    while k < 64 {
        powers[k] = power;
        power = product(power, power);
        k += 1;
    }
    powers
}

/// The product of two polynomials modulo that of the CRC.
const fn product(one: u64, mut other: u64) -> u64 {
    let mut sum = 0;
    let mut bit = ONE;
    while bit != 0 {
        // Without branches: the bits of a checksum cannot be foretold.
        sum ^= other & (0_u64.wrapping_sub((one & bit != 0) as u64));
        other = (other >> 1) ^ (POLYNOMIAL & 0_u64.wrapping_sub(other & 1));
        bit >>= 1;
    }
    sum
}

impl Crc64Nvme {
    /// The CRC of what this one is of, followed by `length` bytes of CRC `next`.
    #[must_use]
    pub fn followed_by(self, next: Self, length: u64) -> Self {
        let mut crc = self.0;
        // 2^61 bytes and more do not exist.
        let mut bits = length << 3;
        while bits != 0 && crc != 0 {
            crc = product(POWERS[bits.trailing_zeros() as usize], crc);
            bits &= bits - 1;
        }
        Self(crc ^ next.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crc(bytes: &[u8]) -> Crc64Nvme {
        Crc64Nvme(crc_fast::crc64_nvme(bytes))
    }

    #[test]
    fn nothing_changes_nothing() {
        let some = crc(b"some");
        assert_eq!(some.followed_by(crc(b""), 0), some);
        assert_eq!(crc(b"").followed_by(some, 4), some);
    }

    proptest! {
        #[test]
        fn joined_is_whole(bytes in proptest::collection::vec(any::<u8>(), 0..5000), cut in any::<proptest::sample::Index>()) {
            let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
            let joined = crc(first).followed_by(crc(second), second.len() as u64);
            prop_assert_eq!(joined, crc(&bytes));
        }

        #[test]
        fn long_stretches_are_joined_as_another_does_it(first: u64, second: u64, length in 0_u64..1 << 43) {
            let algorithm = crc_fast::CrcAlgorithm::Crc64Nvme;
            let other = crc_fast::checksum_combine(algorithm, first, second, length);
            prop_assert_eq!(Crc64Nvme(first).followed_by(Crc64Nvme(second), length).0, other);
        }
    }
}
