//! Unguessable letters for payment keys, transaction keys and trace ids.

use rand::RngExt;

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// `length` random lower-case letters and digits (5.2 bits each).
pub fn letters(length: usize) -> String {
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
        .collect()
}

/// A number in [0, 1), for rules that fire at a rate.
pub fn dice() -> f64 {
    rand::rng().random()
}
