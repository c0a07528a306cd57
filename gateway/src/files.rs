//! Reading small files, whatever is behind their names.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// What the file holds; an error if that is more than `most` bytes. It may be a pipe.
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    match bytes.len() > most {
        true => Err(io::Error::other(format!("it has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

/// The text of a file on disk; a device or a pipe is none.
pub(crate) fn read_text(path: &Path, most: usize) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    String::from_utf8(read(path, most)?).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_no_file_and_a_secret_of_any_length_is_none() {
        let endless = Path::new("/dev/zero");
        assert!(read_text(endless, 64).is_err());
        assert!(read(endless, 64).is_err());
        assert_eq!(read(Path::new("/dev/null"), 64).expect("empty"), b"");
    }
}
