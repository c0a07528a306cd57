//! Money: an integer of minor units and its currency. There is no float and no implicit rounding.

mod currency;

pub use currency::{Currency, UnknownCurrency};

use rust_decimal::Decimal;
use std::fmt;

/// The largest amount one payment may have: 10^12 minor units (a trillion won), far above any card
/// limit and far below where sums of postings could overflow 63 bits (nine million such payments).
pub const LARGEST_PAYMENT: i64 = 1_000_000_000_000;

/// A positive amount that can be asked from a customer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount cannot be asked from a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    /// Zero or less.
    #[error("must be greater than zero")]
    NotPositive,
    /// More than [`LARGEST_PAYMENT`].
    #[error("must be at most {LARGEST_PAYMENT} minor units")]
    TooLarge,
    /// A part of a minor unit, such as half a won.
    #[error("must be a whole number of minor units")]
    Fraction,
}

impl Money {
    /// `minor` units of `currency`, from 1 to [`LARGEST_PAYMENT`].
    pub fn new(minor: i64, currency: Currency) -> Result<Self, BadAmount> {
        match minor {
            ..=0 => Err(BadAmount::NotPositive),
            1..=LARGEST_PAYMENT => Ok(Self { minor, currency }),
            _ => Err(BadAmount::TooLarge),
        }
    }

    /// The amount a PSP writes in major units (`10.50` dollars, `5000.0` won).
    pub fn from_major(major: Decimal, currency: Currency) -> Result<Self, BadAmount> {
        let factor = Decimal::from(10_i64.pow(currency.exponent()));
        let minor = major.checked_mul(factor).ok_or(BadAmount::TooLarge)?;
        if !minor.fract().is_zero() {
            return Err(BadAmount::Fraction);
        }
        let minor = i64::try_from(minor.trunc()).map_err(|_| BadAmount::TooLarge)?;
        Self::new(minor, currency)
    }

    /// Minor units, always positive.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in major units, exactly.
    pub fn to_major(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_major(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn major_and_minor_are_the_same_amount(minor in 1..=LARGEST_PAYMENT, code in "KRW|USD|BHD|JPY|EUR") {
            let money = Money::new(minor, code.parse().unwrap()).unwrap();
            prop_assert_eq!(Money::from_major(money.to_major(), money.currency()), Ok(money));
        }

        #[test]
        fn only_one_to_the_largest_is_an_amount(minor: i64) {
            let made = Money::new(minor, Currency::KRW);
            prop_assert_eq!(made.is_ok(), (1..=LARGEST_PAYMENT).contains(&minor));
        }
    }

    #[test]
    fn half_a_won_is_no_amount() {
        let half = Decimal::new(5, 1);
        assert_eq!(
            Money::from_major(half, Currency::KRW),
            Err(BadAmount::Fraction)
        );
    }

    #[test]
    fn a_psp_may_write_won_with_a_point() {
        let written = Decimal::new(50_000, 1);
        assert_eq!(
            Money::from_major(written, Currency::KRW),
            Money::new(5_000, Currency::KRW)
        );
    }

    #[test]
    fn an_amount_reads_as_people_write_it() {
        let usd = "USD".parse().unwrap();
        assert_eq!(Money::new(1_050, usd).unwrap().to_string(), "10.50 USD");
        assert_eq!(
            Money::new(10_000, Currency::KRW).unwrap().to_string(),
            "10000 KRW"
        );
    }
}
