//! Secrets need randomness; nothing else here does.

use crate::error::{Doing, Error};
use std::fs::File;
use std::io::Read;

/// Bytes nobody can guess.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.doing(|| "read /dev/urandom".into())?;
    Ok(bytes)
}
