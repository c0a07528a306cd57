//! Korean or English, from `Accept-Language` with its q-values. A Korean shop answers Korean by default.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// The languages the shop speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// The default.
    Korean,
    /// For everyone who prefers it.
    English,
}

impl Language {
    /// The language a request asks for.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .map_or(Self::Korean, Self::preferred)
    }

    /// One of two texts (Korean, English).
    pub fn choose<T>(self, (korean, english): (T, T)) -> T {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }

    /// The value for an `html lang` attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    fn preferred(header: &str) -> Self {
        let mut best = (0, Self::Korean);
        for item in header.split(',') {
            let mut parts = item.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let language = match tag.split('-').next().unwrap_or_default() {
                "ko" => Self::Korean,
                "en" => Self::English,
                _ => continue,
            };
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q="))
                .map_or(1000, permille);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// A q-value in thousandths; a malformed one counts as 0 and so is never preferred.
fn permille(q: &str) -> u32 {
    let (whole, fraction) = q.trim().split_once('.').unwrap_or((q.trim(), ""));
    let digits = format!("{whole}{fraction:0<3.3}");
    digits.parse().unwrap_or(0).min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_weighted_known_language_wins() {
        let cases = [
            ("en-US,en;q=0.9", Language::English),
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Language::Korean),
            ("en;q=0.3, ko;q=0.7", Language::Korean),
            ("fr, en;q=0.5", Language::English),
            ("fr", Language::Korean),
            ("en;q=zero", Language::Korean),
            ("", Language::Korean),
        ];
        for (header, expected) in cases {
            assert_eq!(Language::preferred(header), expected, "{header}");
        }
    }
}
