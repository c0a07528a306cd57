//! Between our values and Redis' replies.

use std::{collections::BTreeMap, num::NonZeroU32};

use fred::types::{ClusterHash, CustomCommand, Value};

use crate::{
    bits::{Bits, CHUNK_BYTES},
    line::SEGMENT_CHUNKS,
    store::{EntryId, GatewayId, Mark, Part, Reach, Record, StoreError, Taken, Was},
    value::{LineId, Number, Timestamp},
};

/// A command's argument.
pub(super) type Argument = Value;

/// Bytes as an argument.
pub(super) fn blob(bytes: &[u8]) -> Argument {
    Value::from(bytes)
}

/// A command whose first argument is its key.
pub(super) fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::FirstKey, false)
}

/// A command whose second argument is its key (BITOP).
pub(super) fn command_with_second_key(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::Offset(1), false)
}

/// Where a chunk lies: its segment and its byte offset there.
pub(super) fn place_of_chunk(chunk: u64) -> (u64, u64) {
    (
        chunk / SEGMENT_CHUNKS,
        chunk % SEGMENT_CHUNKS * CHUNK_BYTES as u64,
    )
}

/// The segments of a set, each with its bytes.
pub(super) fn segments(bits: &Bits) -> Vec<(u64, Vec<u8>)> {
    let mut segments: Vec<(u64, Vec<u8>)> = Vec::new();
    for chunk in bits.chunks() {
        let (segment, offset) = place_of_chunk(chunk);
        if segments.last().is_none_or(|(last, _)| *last != segment) {
            segments.push((segment, Vec::new()));
        }
        if let Some((_, bytes)) = segments.last_mut() {
            // Below 8,192: the cast cannot truncate.
            bytes.resize(offset as usize, 0);
            bytes.extend_from_slice(&bits.bytes(chunk));
        }
    }
    segments
}

/// Adds a segment as it was read.
pub(super) fn merge_segment(bits: &mut Bits, segment: u64, value: Value) -> Result<(), StoreError> {
    let Some(bytes) = bytes(value)? else {
        return Ok(());
    };
    for (chunk, bytes) in (segment * SEGMENT_CHUNKS..).zip(bytes.chunks(CHUNK_BYTES)) {
        bits.merge_bytes(chunk, bytes);
    }
    Ok(())
}

/// The hash field of a gateway's chunk.
pub(super) fn trace_field(gateway: GatewayId, chunk: u64) -> Vec<u8> {
    [gateway.0.to_be_bytes(), chunk.to_be_bytes()].concat()
}

/// All gateways' chunks of one epoch, OR-ed.
pub(super) fn trace_bits(value: Option<Value>) -> Result<Bits, StoreError> {
    let mut bits = Bits::new();
    let mut items = array(value)?.into_iter();
    while let (Some(field), Some(value)) = (items.next(), items.next()) {
        let field = bytes(field)?.unwrap_or_default();
        let chunk = field.last_chunk::<8>().filter(|_| field.len() == 16);
        let chunk = chunk.ok_or_else(|| unexpected("a trace field"))?;
        if let Some(value) = bytes(value)? {
            bits.merge_bytes(u64::from_be_bytes(*chunk), &value);
        }
    }
    Ok(bits)
}

/// The counter and the record.
pub(super) fn counter_and_record(
    values: Vec<Value>,
) -> Result<(Option<Number>, Option<Record>), StoreError> {
    let [next, line] =
        <[Value; 2]>::try_from(values).map_err(|_| unexpected("the answer to MGET"))?;
    Ok((counter(next)?, record(line)?))
}

/// The letter of a kind of mark.
pub(super) fn letter(mark: Mark) -> char {
    match mark {
        Mark::Gone => 'g',
        Mark::Late => 'l',
        Mark::Claimed => 'c',
        Mark::Left => 'f',
    }
}

/// A part's field in the hash of stamps, and the end of its key.
pub(super) fn part_name(part: Part) -> String {
    format!("{}:{}", letter(part.mark), part.segment)
}

const ORDER: &str = "o:";

/// The field of an order in the hash of stamps.
pub(super) fn order_field(place: &str) -> String {
    format!("{ORDER}{place}")
}

const GATEWAY: &str = "w:";

/// The field of a gateway in the same hash.
pub(super) fn gateway_field(gateway: GatewayId) -> String {
    format!("{GATEWAY}{:016x}", gateway.0)
}

const VISITS: &str = "a:";

/// The field of an epoch of visits in the same hash.
pub(super) fn visits_field(epoch: u64) -> String {
    format!("{VISITS}{epoch}")
}

/// What stands in the hash of stamps.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) stamps: BTreeMap<Part, u64>,
    pub(super) orders: Vec<(String, Vec<u8>)>,
    pub(super) gateways: BTreeMap<GatewayId, Timestamp>,
    pub(super) visits: BTreeMap<u64, Timestamp>,
}

/// The stamps of all parts, the orders that stand, who was there when, and where visits are counted.
pub(super) fn fields(value: Option<Value>) -> Result<Fields, StoreError> {
    let mut items = array(value)?.into_iter();
    let mut fields = Fields::default();
    while let (Some(field), Some(value)) = (items.next(), items.next()) {
        let field = field.into_string().ok_or_else(|| unexpected("a stamp"))?;
        if let Some(place) = field.strip_prefix(ORDER) {
            let order = bytes(value)?.unwrap_or_default();
            fields.orders.push((place.to_owned(), order));
        } else if let Some(gateway) = field.strip_prefix(GATEWAY) {
            let id = u64::from_str_radix(gateway, 16).ok();
            let (Some(id), Some(at)) = (id, value.as_u64()) else {
                return Err(unexpected("a gateway's time"));
            };
            fields.gateways.insert(GatewayId(id), Timestamp(at));
        } else if let Some(epoch) = field.strip_prefix(VISITS) {
            let (Some(epoch), Some(until)) = (epoch.parse().ok(), value.as_u64()) else {
                return Err(unexpected("an epoch of visits"));
            };
            fields.visits.insert(epoch, Timestamp(until));
        } else {
            let (Some(part), Some(stamp)) = (part_of(&field), value.as_u64()) else {
                return Err(unexpected("a stamp"));
            };
            fields.stamps.insert(part, stamp);
        }
    }
    Ok(fields)
}

fn part_of(name: &str) -> Option<Part> {
    let (kind, segment) = name.split_once(':')?;
    let mark = Mark::ALL
        .into_iter()
        .find(|mark| kind.chars().eq([letter(*mark)]))?;
    let segment = segment.parse().ok()?;
    Some(Part { mark, segment })
}

/// The answer to TIME: seconds and microseconds, as texts.
pub(super) fn time(value: Option<Value>) -> Result<Timestamp, StoreError> {
    let parts: Vec<u64> = array(value)?.iter().filter_map(Value::as_u64).collect();
    match parts[..] {
        [seconds, micros] => Ok(Timestamp(seconds * 1_000 + micros / 1_000)),
        _ => Err(unexpected("the answer to TIME")),
    }
}

/// The answer to a BITFIELD that set so many bits: what each was.
pub(super) fn bits(value: Value, count: usize) -> Result<Vec<Was>, StoreError> {
    let bits: Vec<Was> = array(Some(value))?
        .iter()
        .filter_map(|bit| match bit.as_u64()? {
            0 => Some(Was::Unset),
            _ => Some(Was::Set),
        })
        .collect();
    match bits.len() == count {
        true => Ok(bits),
        false => Err(unexpected("the answer to BITFIELD")),
    }
}

/// The counter of numbers.
pub(super) fn counter(value: Value) -> Result<Option<Number>, StoreError> {
    if value.is_null() {
        return Ok(None);
    }
    value
        .as_u64()
        .map(|next| Some(Number(next)))
        .ok_or_else(|| unexpected("the counter"))
}

/// The line's record.
pub(super) fn record(value: Value) -> Result<Option<Record>, StoreError> {
    let Some(bytes) = bytes(value)? else {
        return Ok(None);
    };
    let (version, line) = bytes
        .split_first_chunk()
        .ok_or_else(|| unexpected("the record"))?;
    Ok(Some(Record {
        version: u64::from_be_bytes(*version),
        line: line.to_vec(),
    }))
}

/// The answers to taking `count` numbers.
pub(super) fn taken(values: Vec<Value>, count: NonZeroU32) -> Result<Taken, StoreError> {
    let mut values = values.into_iter();
    let after = counter(values.next().unwrap_or(Value::Null))?;
    let after = after.ok_or_else(|| unexpected("the counter"))?;
    Ok(Taken {
        first: Number(after.0.saturating_sub(u64::from(count.get()))),
        reach: reach(values.next().unwrap_or(Value::Null))?,
    })
}

fn reach(value: Value) -> Result<Option<Reach>, StoreError> {
    let Some(bytes) = bytes(value)? else {
        return Ok(None);
    };
    let halves = bytes.as_chunks::<8>();
    let (line, horizon, at) = match halves {
        ([line, horizon, at], []) => (line, horizon, u64::from_be_bytes(*at)),
        // As gateways wrote it that did not say when.
        ([line, horizon], []) => (line, horizon, 0),
        _ => return Err(unexpected("the horizon")),
    };
    Ok(Some(Reach {
        line: LineId(u64::from_be_bytes(*line)),
        horizon: Number(u64::from_be_bytes(*horizon)),
        at: Timestamp(at),
    }))
}

/// How far the calls reach, in store form.
pub(super) fn reach_bytes(reach: Reach) -> Vec<u8> {
    let fields = [reach.line.0, reach.horizon.0, reach.at.0];
    fields.map(u64::to_be_bytes).concat()
}

/// The record in store form.
pub(super) fn record_bytes(record: &Record) -> Vec<u8> {
    [record.version.to_be_bytes().as_slice(), &record.line].concat()
}

/// An entry of a stream: its id, and one field with its value.
pub(super) fn entry(entry: Value) -> Result<(EntryId, Vec<u8>), StoreError> {
    let read = |entry| {
        let [id, fields] = <[Value; 2]>::try_from(array(Some(entry)).ok()?).ok()?;
        let id = id.into_string()?;
        let (at, nth) = id.split_once('-')?;
        let id = EntryId(at.parse().ok()?, nth.parse().ok()?);
        let [_, content] = <[Value; 2]>::try_from(array(Some(fields)).ok()?).ok()?;
        Some((id, content.into_owned_bytes()?))
    };
    read(entry).ok_or_else(|| unexpected("an entry of a stream"))
}

/// The items of an array reply.
pub(super) fn array(value: Option<Value>) -> Result<Vec<Value>, StoreError> {
    match value {
        Some(Value::Array(items)) => Ok(items),
        // A single-item or empty reply may arrive unwrapped.
        Some(Value::Null) | None => Ok(Vec::new()),
        Some(other) => Ok(vec![other]),
    }
}

fn bytes(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    if value.is_null() {
        return Ok(None);
    }
    value
        .into_owned_bytes()
        .map(Some)
        .ok_or_else(|| unexpected("a bitmap"))
}

fn unexpected(what: &str) -> StoreError {
    StoreError::Unexpected(format!("{what} is not in the form this version writes"))
}
