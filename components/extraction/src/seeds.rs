//! The seeds of hash tables, where there is nobody to ask for random ones.

use getrandom::Error;

/// Fills `dest` with the same bytes every time, so that a file is read alike on every machine. Who
/// fills a table with names that collide slows down one call, which has so much fuel and no more.
///
/// `getrandom` calls this function by its name, which the workspace's configuration for this target
/// tells it to.
///
/// # Safety
/// `dest` points to `len` bytes that may be written.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(dest: *mut u8, len: usize) -> Result<(), Error> {
    // SAFETY: the caller vouches for `dest` and `len`.
    unsafe { dest.write_bytes(0x5a, len) };
    Ok(())
}
