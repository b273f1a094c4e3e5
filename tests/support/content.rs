//! Files to move about, and what their bytes are.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use sha2::{Digest, Sha256};

/// Writes `size` bytes that no compressor makes smaller, the same for the same seed.
///
/// # Panics
/// Where the disk refuses.
pub fn incompressible(path: &Path, size: u64, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut file = io::BufWriter::new(File::create(path).expect("a new file"));
    let mut left = size;
    let mut block = vec![0_u8; 1 << 20];
    while left > 0 {
        random.fill(&mut block[..]);
        let n = left.min(block.len() as u64) as usize;
        file.write_all(&block[..n]).expect("written");
        left -= n as u64;
    }
    file.flush().expect("written");
}

/// The sha256 of a file, in hex.
///
/// # Panics
/// Where it cannot be read.
#[must_use]
pub fn sha256(path: &Path) -> String {
    let mut digest = Sha256::new();
    let mut file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block).expect("read") {
            0 => break,
            n => digest.update(&block[..n]),
        }
    }
    hex::encode(digest.finalize())
}
