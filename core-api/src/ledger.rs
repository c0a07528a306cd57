//! Double entry: what a move of money looks like in the books. Pure; the rows are written by the
//! statement that makes the move (`payment/sql.rs`), so that state and books never disagree.
//!
//! A [`Transfer`] can only be made balanced; the database checks it once more
//! (`ledger_sums_to_zero`).

use crate::money::Money;

/// An account of a tenant, one for each currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account {
    /// What the PSP owes for payments it has collected: an asset.
    PspClearing,
    /// What is owed to the merchant for goods paid: a liability.
    MerchantPayable,
}

impl Account {
    /// The `account` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PspClearing => "psp_clearing",
            Self::MerchantPayable => "merchant_payable",
        }
    }
}

/// A line of a transfer: minor units, debit positive, credit negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Posting {
    /// Which account.
    pub account: Account,
    /// How much; never zero.
    pub amount: i64,
}

/// A balanced set of postings in one currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    kind: &'static str,
    postings: [Posting; 2],
}

impl Transfer {
    /// A payment was approved: the PSP now owes it, and so do we to the merchant.
    pub fn approval(money: Money) -> Self {
        Self::new(
            "payment_approved",
            Account::PspClearing,
            Account::MerchantPayable,
            money,
        )
    }

    fn new(kind: &'static str, debit: Account, credit: Account, money: Money) -> Self {
        let postings = [
            Posting {
                account: debit,
                amount: money.minor(),
            },
            Posting {
                account: credit,
                amount: -money.minor(),
            },
        ];
        Self { kind, postings }
    }

    /// The `kind` column.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The lines, summing to zero.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, LARGEST_PAYMENT};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_transfer_sums_to_zero(minor in 1..=LARGEST_PAYMENT) {
            let transfer = Transfer::approval(Money::new(minor, Currency::KRW).unwrap());
            prop_assert_eq!(transfer.postings().iter().map(|posting| posting.amount).sum::<i64>(), 0);
            prop_assert!(transfer.postings().iter().all(|posting| posting.amount != 0));
        }
    }

    #[test]
    fn an_approval_debits_the_psp_and_credits_the_merchant() {
        let transfer = Transfer::approval(Money::new(10_000, Currency::KRW).unwrap());
        let lines: Vec<_> = transfer
            .postings()
            .iter()
            .map(|p| (p.account, p.amount))
            .collect();
        assert_eq!(
            lines,
            [
                (Account::PspClearing, 10_000),
                (Account::MerchantPayable, -10_000)
            ]
        );
    }
}
