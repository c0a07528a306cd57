//! ISO 4217: the active currencies one can pay in, with their minor units (amendment 176).
//! Funds codes, metals and test codes are left out: nobody pays with them.

use std::fmt;

/// Exponent 0: the minor unit is the currency itself.
const WHOLE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// Exponent 3.
const THOUSANDTHS: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Exponent 2.
const HUNDREDTHS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD \
    BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP \
    LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG";

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// A text that is no currency one can pay in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an ISO 4217 currency code")]
pub struct UnknownCurrency;

impl Currency {
    /// The South Korean won, which has no smaller part.
    pub const KRW: Self = Self {
        code: *b"KRW",
        exponent: 0,
    };

    /// Decimal places of the major unit: 0, 2 or 3.
    pub fn exponent(self) -> u32 {
        self.exponent.into()
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("a code is ASCII letters")
    }
}

impl std::str::FromStr for Currency {
    type Err = UnknownCurrency;
    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        let listed = |list: &str| list.split_ascii_whitespace().any(|known| known == text);
        let exponent = match () {
            () if listed(WHOLE) => 0,
            () if listed(HUNDREDTHS) => 2,
            () if listed(THOUSANDTHS) => 3,
            () => return Err(UnknownCurrency),
        };
        Ok(Self { code, exponent })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_minor_unit() {
        for (code, exponent) in [("KRW", 0), ("JPY", 0), ("USD", 2), ("EUR", 2), ("KWD", 3)] {
            assert_eq!(
                code.parse::<Currency>().unwrap().exponent(),
                exponent,
                "{code}"
            );
        }
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for text in ["", "KR", "krw", "KRWX", "XXX", "XAU", "WON", "원화"] {
            assert_eq!(text.parse::<Currency>(), Err(UnknownCurrency), "{text}");
        }
    }

    #[test]
    fn no_currency_is_listed_twice() {
        let mut all: Vec<_> = [WHOLE, HUNDREDTHS, THOUSANDTHS]
            .iter()
            .flat_map(|l| l.split_ascii_whitespace())
            .collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!((all.len(), all.iter().all(|c| c.len() == 3)), (count, true));
    }
}
