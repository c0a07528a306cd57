//! How a [`Timestamp`] travels: `timestamptz` in binary is microseconds since 2000-01-01 UTC.

use crate::clock::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// 1970-01-01 to 2000-01-01 in microseconds.
const EPOCH_2000: i64 = 946_684_800_000_000;
/// `timestamptz` in pg_type, fixed since PostgreSQL 7.
const TIMESTAMPTZ: Oid = Oid(1184);

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        ty.oid() == Some(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.as_micros() - EPOCH_2000, buffer)
    }
}

impl Decode<'_, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.format() == PgValueFormat::Text {
            return Err("times are asked for in binary".into());
        }
        let since_2000 = <i64 as Decode<Postgres>>::decode(value)?;
        let micros = since_2000
            .checked_add(EPOCH_2000)
            .ok_or("infinity is no moment")?;
        Timestamp::from_micros(micros).ok_or_else(|| "no supported year".into())
    }
}
