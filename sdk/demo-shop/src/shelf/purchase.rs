//! A purchase as it is stored, and the statements that move it.

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A piece is held while the buyer is in the payment window.
    Reserved,
    /// The window gave its result; the core has not said the outcome yet.
    Confirming,
    /// Sold.
    Paid,
    /// Refused; the piece went back.
    Failed,
    /// Left or lapsed; the piece went back.
    Released,
}

impl State {
    fn parse(text: &str) -> Self {
        match text {
            "reserved" => Self::Reserved,
            "confirming" => Self::Confirming,
            "paid" => Self::Paid,
            "failed" => Self::Failed,
            _ => Self::Released,
        }
    }

    /// Its name in the database and in templates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Confirming => "confirming",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Released => "released",
        }
    }
}

/// One buyer's wish for one piece, and what became of it.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The order's id, everywhere: here, at the core and at the PSP.
    pub id: String,
    /// The cookie it belongs to.
    pub buyer: String,
    /// Won.
    pub amount: i64,
    /// Where it stands.
    pub state: State,
    /// The window's result.
    pub payment_key: Option<String>,
    /// The core's id.
    pub payment_id: Option<String>,
    /// Which piece of the edition.
    pub edition: Option<i32>,
    /// The core's code, if refused.
    pub failure: Option<String>,
    /// Seoul time, for people.
    pub paid_at: Option<String>,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: String,
    buyer: String,
    amount: i64,
    state: String,
    payment_key: Option<String>,
    payment_id: Option<String>,
    edition: Option<i32>,
    failure: Option<String>,
    paid_at: Option<String>,
}

impl From<Row> for Purchase {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            buyer: row.buyer,
            amount: row.amount,
            state: State::parse(&row.state),
            payment_key: row.payment_key,
            payment_id: row.payment_id,
            edition: row.edition,
            failure: row.failure,
            paid_at: row.paid_at,
        }
    }
}

/// Every statement, with the columns of [`Row`] written once.
pub(super) struct Statements {
    pub(super) select_by_id: &'static str,
    pub(super) select_of_buyer: &'static str,
    pub(super) reserve: &'static str,
    pub(super) claim_reserved: &'static str,
    pub(super) claim_released: &'static str,
    pub(super) paid: &'static str,
    pub(super) failed: &'static str,
    pub(super) left: &'static str,
    pub(super) release_overdue: &'static str,
    pub(super) due: &'static str,
}

macro_rules! columns {
    () => {
        "purchase.id, purchase.buyer, purchase.amount, purchase.state, purchase.payment_key,
         purchase.payment_id, purchase.edition, purchase.failure,
         to_char(purchase.paid_at AT TIME ZONE 'Asia/Seoul', 'YYYY-MM-DD HH24:MI') AS paid_at"
    };
}

pub(super) const SQL: Statements = Statements {
    select_by_id: concat!("SELECT ", columns!(), " FROM purchase WHERE id = $1"),
    select_of_buyer: concat!(
        "SELECT ",
        columns!(),
        " FROM purchase
          WHERE product = $1 AND buyer = $2 AND state IN ('reserved', 'confirming', 'paid')
          ORDER BY state = 'paid', paid_at DESC LIMIT 1"
    ),
    reserve: concat!(
        "WITH taken AS (
             UPDATE product SET available = available - 1 WHERE id = $1 AND available > 0 RETURNING id
         )
         INSERT INTO purchase (id, product, buyer, amount, state, hold_until)
         SELECT $2, taken.id, $3, $4, 'reserved', now() + make_interval(secs => $5) FROM taken
         RETURNING ",
        columns!()
    ),
    claim_reserved: concat!(
        "UPDATE purchase
         SET state = 'confirming', payment_key = $2, ask_at = now() + interval '10 s'
         WHERE id = $1 AND state = 'reserved' RETURNING ",
        columns!()
    ),
    // The hold had lapsed while the buyer was in the window: only if a piece is still there.
    claim_released: concat!(
        "WITH mine AS (
             SELECT id, product FROM purchase WHERE id = $1 AND state = 'released' FOR UPDATE
         ), taken AS (
             UPDATE product SET available = available - 1 FROM mine
             WHERE product.id = mine.product AND available > 0 RETURNING product.id
         )
         UPDATE purchase
         SET state = 'confirming', payment_key = $2, ask_at = now() + interval '10 s'
         FROM taken WHERE purchase.id = $1 RETURNING ",
        columns!()
    ),
    // The purchase is locked first: of two that saw it confirming, the second finds it paid.
    paid: "WITH mine AS (
             SELECT id, product FROM purchase WHERE id = $1 AND state = 'confirming' FOR UPDATE
         ), counted AS (
             UPDATE product SET sold = sold + 1 FROM mine
             WHERE product.id = mine.product RETURNING product.sold
         )
         UPDATE purchase
         SET state = 'paid', payment_id = $2, edition = counted.sold, paid_at = now()
         FROM counted WHERE purchase.id = $1",
    failed: "WITH mine AS (
             SELECT id, product FROM purchase WHERE id = $1 AND state = 'confirming' FOR UPDATE
         ), returned AS (
             UPDATE product SET available = available + 1 FROM mine
             WHERE product.id = mine.product RETURNING product.id
         )
         UPDATE purchase SET state = 'failed', failure = $2
         FROM returned WHERE purchase.id = $1",
    left: "WITH mine AS (
             SELECT id, product FROM purchase
             WHERE id = $1 AND buyer = $2 AND state = 'reserved' FOR UPDATE
         ), returned AS (
             UPDATE product SET available = available + 1 FROM mine
             WHERE product.id = mine.product RETURNING product.id
         )
         UPDATE purchase SET state = 'released'
         FROM returned WHERE purchase.id = $1",
    release_overdue: "WITH overdue AS (
             SELECT id FROM purchase WHERE state = 'reserved' AND hold_until < now()
             ORDER BY hold_until LIMIT $1 FOR UPDATE SKIP LOCKED
         ), moved AS (
             UPDATE purchase SET state = 'released' FROM overdue
             WHERE purchase.id = overdue.id RETURNING purchase.product
         ), counted AS (
             SELECT product, count(*)::int AS pieces FROM moved GROUP BY product
         )
         UPDATE product SET available = available + counted.pieces
         FROM counted WHERE product.id = counted.product",
    due: concat!(
        "WITH due AS (
             SELECT id FROM purchase WHERE state = 'confirming' AND ask_at < now()
             ORDER BY ask_at LIMIT $1 FOR UPDATE SKIP LOCKED
         )
         UPDATE purchase
         SET ask_at = now() + least(60, 5 * power(2, least(asks, 4))) * interval '1 s',
             asks = asks + 1
         FROM due WHERE purchase.id = due.id RETURNING ",
        columns!()
    ),
};
