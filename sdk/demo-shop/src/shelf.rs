//! The shelf: how many pieces are left, and who holds which. Every step is one SQL statement, so
//! that a crash or an impatient visitor leaves it done or not done, never half done.
//!
//! ```text
//! reserved --window's result--> confirming --approved--> paid
//!    |                              '--refused--> failed
//!    '--left, or the hold is over--> released --window's result, if a piece is left--> confirming
//! ```
//!
//! Locks are always taken purchase first, then product; a new purchase locks only the product.

mod purchase;

use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};

pub use purchase::{Purchase, State};
use purchase::{Row, SQL};

/// The product's key. The shop sells one.
const PRODUCT: &str = "moon-jar";
/// Connections of one instance: each step is one short statement.
const CONNECTIONS: u32 = 10;
/// How long a visitor waits for a connection before being told to try again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Overdue holds that one statement gives back.
const RELEASE_BATCH: i64 = 500;
/// Open purchases that the caretaker asks about at once.
const ASK_BATCH: i64 = 20;

/// The shop's database.
#[derive(Clone, Debug)]
pub struct Shelf {
    pool: PgPool,
}

/// How the edition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// All there ever were.
    pub total: i32,
    /// Nobody's yet.
    pub available: i32,
    /// Paid.
    pub sold: i32,
}

impl Stock {
    /// Pieces that can still become somebody's: held ones too, since a hold may lapse. This is what
    /// the gateway is told, so that a line never ends while somebody could still be served.
    pub fn remaining(self) -> i32 {
        self.total - self.sold
    }

    /// Pieces in the hands of people who are paying.
    pub fn held(self) -> i32 {
        self.total - self.sold - self.available
    }
}

/// What a wish to buy came to.
#[derive(Debug)]
pub enum Reservation {
    /// A piece is held for the buyer: a new one, or the one held already.
    Held(Purchase),
    /// Nothing is on the shelf right now.
    NoneLeft,
}

/// What the window's result came to.
#[derive(Debug)]
pub enum Claim {
    /// The purchase is confirming (now or since before), or already at its end.
    Standing(Purchase),
    /// The hold had lapsed and the last piece is gone: the payment must not be taken.
    Lapsed(Purchase),
    /// There is no such purchase.
    Unknown,
}

impl Shelf {
    /// Connects and makes the tables, and the product with its stock.
    pub async fn open(url: &str, stock: u32) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect(url)
            .await?;
        sqlx::raw_sql(include_str!("shelf/schema.sql"))
            .execute(&pool)
            .await?;
        let total = i32::try_from(stock).unwrap_or(i32::MAX);
        sqlx::query(
            "INSERT INTO product (id, total, available) VALUES ($1, $2, $2)
             ON CONFLICT (id) DO UPDATE
             SET available = product.available + $2 - product.total, total = $2",
        )
        .bind(PRODUCT)
        .bind(total)
        .execute(&pool)
        .await?;
        Ok(Self { pool })
    }

    /// How the edition stands.
    pub async fn stock(&self) -> Result<Stock, sqlx::Error> {
        let (total, available, sold) =
            sqlx::query_as("SELECT total, available, sold FROM product WHERE id = $1")
                .bind(PRODUCT)
                .fetch_one(&self.pool)
                .await?;
        Ok(Stock {
            total,
            available,
            sold,
        })
    }

    /// A purchase by its id.
    pub async fn find(&self, id: &str) -> Result<Option<Purchase>, sqlx::Error> {
        let found = sqlx::query_as::<_, Row>(SQL.select_by_id)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.map(Purchase::from))
    }

    /// The purchase a buyer has in hand, else the newest paid one.
    pub async fn of_buyer(&self, buyer: &str) -> Result<Option<Purchase>, sqlx::Error> {
        let found = sqlx::query_as::<_, Row>(SQL.select_of_buyer)
            .bind(PRODUCT)
            .bind(buyer)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.map(Purchase::from))
    }

    /// Holds one piece for a buyer, or finds the one held already.
    pub async fn reserve(&self, wish: &Wish<'_>) -> Result<Reservation, sqlx::Error> {
        self.release_overdue().await?;
        if let Some(purchase) = self.live(wish.buyer).await? {
            return Ok(Reservation::Held(purchase));
        }
        let reserved = sqlx::query_as::<_, Row>(SQL.reserve)
            .bind(PRODUCT)
            .bind(wish.order_id)
            .bind(wish.buyer)
            .bind(wish.amount)
            .bind(seconds(wish.hold))
            .fetch_optional(&self.pool)
            .await;
        match reserved {
            Ok(Some(row)) => Ok(Reservation::Held(row.into())),
            Ok(None) => Ok(Reservation::NoneLeft),
            // The buyer's other tab was quicker; its statement holds the one piece.
            Err(error) if is_second_live(&error) => match self.live(wish.buyer).await? {
                Some(purchase) => Ok(Reservation::Held(purchase)),
                None => Ok(Reservation::NoneLeft),
            },
            Err(error) => Err(error),
        }
    }

    /// The window gave a payment key: from here on the piece stays held until the core knows.
    pub async fn claim(&self, id: &str, payment_key: &str) -> Result<Claim, sqlx::Error> {
        for statement in [SQL.claim_reserved, SQL.claim_released] {
            let claimed = sqlx::query_as::<_, Row>(statement)
                .bind(id)
                .bind(payment_key)
                .fetch_optional(&self.pool)
                .await;
            match claimed {
                Ok(Some(row)) => return Ok(Claim::Standing(row.into())),
                Ok(None) => {}
                Err(error) if is_second_live(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(match self.find(id).await? {
            None => Claim::Unknown,
            Some(purchase) if purchase.state == State::Released => Claim::Lapsed(purchase),
            Some(purchase) => Claim::Standing(purchase),
        })
    }

    /// The core approved: the piece is sold and gets its number. Repeating it changes nothing.
    pub async fn paid(&self, id: &str, payment_id: &str) -> Result<(), sqlx::Error> {
        sqlx::query(SQL.paid)
            .bind(id)
            .bind(payment_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The core refused: the piece goes back. Repeating it changes nothing.
    pub async fn failed(&self, id: &str, code: &str) -> Result<(), sqlx::Error> {
        sqlx::query(SQL.failed)
            .bind(id)
            .bind(code)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The buyer left the window: the piece goes back, if it was this buyer's.
    pub async fn left(&self, id: &str, buyer: &str) -> Result<(), sqlx::Error> {
        sqlx::query(SQL.left)
            .bind(id)
            .bind(buyer)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Gives back what is held beyond its time.
    pub async fn release_overdue(&self) -> Result<(), sqlx::Error> {
        sqlx::query(SQL.release_overdue)
            .bind(RELEASE_BATCH)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Purchases that are confirming and due to be asked about. Each is taken by one instance and
    /// comes back after 5, 10, 20, 40 and then 60 seconds.
    pub async fn due(&self) -> Result<Vec<Purchase>, sqlx::Error> {
        let rows = sqlx::query_as::<_, Row>(SQL.due)
            .bind(ASK_BATCH)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(Purchase::from).collect())
    }

    async fn live(&self, buyer: &str) -> Result<Option<Purchase>, sqlx::Error> {
        let found = self.of_buyer(buyer).await?;
        Ok(found.filter(|purchase| matches!(purchase.state, State::Reserved | State::Confirming)))
    }
}

/// A wish to buy one piece.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The id the purchase gets if it becomes one.
    pub order_id: &'a str,
    /// Whose.
    pub buyer: &'a str,
    /// Won.
    pub amount: i64,
    /// For how long the piece is kept.
    pub hold: Duration,
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn is_second_live(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.constraint())
        == Some("purchase_one_live")
}
