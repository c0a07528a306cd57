//! What an operator chooses by a word.

use crate::diagnostic::Complaint;
use crate::document::Scalar;

/// What becomes of visitors while the store cannot be reached. Passes work in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStoreLoss {
    /// Nobody is called. Who comes gets a provisional ticket, and a number by arrival when the store is back.
    #[default]
    Hold,
    /// Everybody comes in: the limits do not hold meanwhile.
    Open,
    /// Nobody is called, and nobody new is taken.
    Closed,
}

/// Where somebody goes who missed a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Late {
    /// Into the late lane, once; then to the back.
    #[default]
    Lane,
    /// To the back.
    Back,
}

impl Scalar for OnStoreLoss {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "hold" => Ok(Self::Hold),
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err(Complaint::unknown(
                "choice",
                text,
                ["hold", "open", "closed"],
            )),
        }
    }
}

impl Scalar for Late {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "lane" => Ok(Self::Lane),
            "back" => Ok(Self::Back),
            _ => Err(Complaint::unknown("choice", text, ["lane", "back"])),
        }
    }
}
