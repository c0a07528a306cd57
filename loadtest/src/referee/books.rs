//! Our side: every payment of every tenant as the database holds it.

use std::collections::HashMap;

use sqlx::PgConnection;

/// A payment row, as far as charges are concerned.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Payment {
    /// Whose.
    pub tenant: String,
    /// Its id in the database.
    pub id: String,
    /// The tenant's name for the order; the PSP knows it by the same.
    pub order_reference: String,
    /// Where it stands.
    pub state: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// The PSP's name for it, once known.
    pub payment_key: Option<String>,
    /// The caller's key.
    pub idempotency_key: String,
}

impl Payment {
    /// True in a state that says money was taken and booked.
    #[must_use]
    pub fn was_approved(&self) -> bool {
        matches!(
            self.state.as_str(),
            "APPROVED" | "PARTIALLY_REFUNDED" | "REFUNDED"
        )
    }
}

/// Every payment, found by the PSP's name for it.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// In no order.
    pub payments: Vec<Payment>,
    by_key: HashMap<(String, String), Vec<usize>>,
}

impl Books {
    /// Books with these payments.
    #[must_use]
    pub fn new(payments: Vec<Payment>) -> Self {
        let mut by_key: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (index, payment) in payments.iter().enumerate() {
            if let Some(key) = &payment.payment_key {
                by_key
                    .entry((payment.order_reference.clone(), key.clone()))
                    .or_default()
                    .push(index);
            }
        }
        Self { payments, by_key }
    }

    pub(super) async fn read(database: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let all = "select tenant_id as tenant, id::text, order_reference, state, amount, currency, payment_key, \
                   idempotency_key from payment";
        Ok(Self::new(sqlx::query_as(all).fetch_all(database).await?))
    }

    /// The payments that name this order and PSP payment; more than one when a failed one was tried again.
    pub fn of<'a>(
        &'a self,
        order: &str,
        payment_key: &str,
    ) -> impl Iterator<Item = &'a Payment> + use<'a> {
        let found = self.by_key.get(&(order.to_owned(), payment_key.to_owned()));
        found
            .into_iter()
            .flatten()
            .map(|index| &self.payments[*index])
    }
}
