//! Room for a file is reserved ahead of its bytes. Where the file system only notes it down (ext4,
//! xfs, btrfs), that is done at once; where it finds each page first (tmpfs: 170 ms for 1 GiB), the
//! bytes do not wait for all of it.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

/// Of a reservation before the first byte.
#[cfg(target_os = "linux")]
const MOMENT: Duration = Duration::from_millis(3);

/// Bytes that are reserved by one call, at first.
#[cfg(target_os = "linux")]
const FIRST_PIECE: u64 = 8 << 20;
/// Where a piece takes longer than this, the next one is half of it, down to `SMALLEST_PIECE`.
#[cfg(target_os = "linux")]
const LONG: Duration = Duration::from_micros(500);
#[cfg(target_os = "linux")]
const SMALLEST_PIECE: u64 = 1 << 20;

/// Reserving goes on behind the pull until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Ahead(Arc<AtomicBool>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Ahead {
    /// Reserves room for `size` bytes of a file of that length: as much as can be had in a moment
    /// now, and the rest meanwhile; where that fails, the writes will tell. Blocking.
    #[cfg(target_os = "linux")]
    pub(crate) fn reserve(&self, file: &File, path: &Path, size: u64) -> io::Result<()> {
        let begun = Instant::now();
        let at = reserve(file, 0, size, |_| begun.elapsed() >= MOMENT)?;
        if at < size {
            // Opened anew: the lock on the part file is not to outlive the pull.
            let file = File::options().write(true).open(path)?;
            let is_over = Arc::clone(&self.0);
            tokio::task::spawn_blocking(move || {
                let reserved = reserve(&file, at, size, |took| {
                    // As long again for whoever waits to write: the file's lock goes to who asks
                    // next, which would be us each time.
                    std::thread::sleep(took);
                    is_over.load(Ordering::Relaxed)
                });
                if let Err(error) = reserved {
                    tracing::debug!(%error, "no room was reserved ahead");
                }
            });
        }
        Ok(())
    }

    /// Reserves room for `size` bytes. Blocking.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn reserve(&self, file: &File, _: &Path, size: u64) -> io::Result<()> {
        fs4::FileExt::allocate(file, size)
    }
}

/// Reserves room from `at` on, piece by piece, until `enough`, which is told how long the last one
/// took, says so; answers how far it came. Of a file that was cut short meanwhile, the length stays.
#[cfg(target_os = "linux")]
fn reserve(
    file: &File,
    mut at: u64,
    size: u64,
    mut enough: impl FnMut(Duration) -> bool,
) -> io::Result<u64> {
    use rustix::fs::{FallocateFlags, fallocate};

    let mut piece = FIRST_PIECE;
    let mut took = Duration::ZERO;
    while at < size && !enough(took) {
        let length = piece.min(size - at);
        let begun = Instant::now();
        fallocate(file, FallocateFlags::KEEP_SIZE, at, length)?;
        at += length;
        took = begun.elapsed();
        // Whoever writes waits for the piece.
        if took > LONG {
            piece = (piece / 2).max(SMALLEST_PIECE);
        }
    }
    Ok(at)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{cell::Cell, os::unix::fs::MetadataExt as _};

    use super::*;

    #[test]
    fn what_is_not_reserved_at_first_is_later_and_the_length_stays() {
        let file = tempfile::tempfile().expect("a file");
        let size = (20 << 20) + 5;
        file.set_len(size).expect("grows");
        let looks = Cell::new(0);
        let at = reserve(&file, 0, size, |_| looks.replace(looks.get() + 1) == 1);
        assert_eq!(at.expect("reserves"), 8 << 20);
        let blocks = || file.metadata().expect("reads").blocks() * 512;
        assert!((8 << 20..size).contains(&blocks()));
        let at = reserve(&file, 8 << 20, size, |_| false).expect("reserves");
        assert_eq!(at, size);
        assert!(blocks() >= size);
        assert_eq!(file.metadata().expect("reads").len(), size);
    }
}
