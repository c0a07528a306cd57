//! A share's record as bytes: a form in front, then varints.

use std::collections::BTreeMap;

use super::{KINDS, Member, Share};
use crate::{
    value::Timestamp,
    varint::{In, put_varint},
};

const FORM: u8 = 1;
/// Bounds what a broken record can make us allocate.
const MOST_MEMBERS: u64 = 10_000;

impl Share {
    /// The record in store form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORM];
        put_varint(&mut out, self.version);
        put_varint(&mut out, self.begun_at.0);
        put_varint(&mut out, self.members.len() as u64);
        for (name, member) in &self.members {
            put_varint(&mut out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
            put_varint(&mut out, u64::from(member.weight));
            put_varint(&mut out, member.since);
            for kind in 0..KINDS {
                for value in [
                    member.floor[kind],
                    member.most[kind],
                    member.want[kind],
                    member.may[kind],
                    member.used[kind],
                    member.held[kind],
                ] {
                    put_varint(&mut out, u64::from(value));
                }
            }
            put_varint(&mut out, member.at.0);
            put_varint(&mut out, member.empty_at.0);
        }
        out
    }

    /// Reads a record back; `None` if it is not one of ours, is cut short or has something behind its end.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = In(bytes);
        if input.byte()? != FORM {
            return None;
        }
        let version = input.varint()?;
        let begun_at = Timestamp(input.varint()?);
        let count = input.varint().filter(|count| *count <= MOST_MEMBERS)?;
        let members: BTreeMap<_, _> = (0..count)
            .map(|_| member(&mut input))
            .collect::<Option<_>>()?;
        input.is_empty().then_some(Self {
            version,
            begun_at,
            members,
        })
    }
}

fn member(input: &mut In<'_>) -> Option<(String, Member)> {
    let length = usize::try_from(input.varint()?).ok()?;
    let (name, rest) = input.0.split_at_checked(length)?;
    input.0 = rest;
    let name = String::from_utf8(name.to_vec()).ok()?;
    let small = |input: &mut In<'_>| u32::try_from(input.varint()?).ok();
    let mut member = Member {
        weight: small(input)?,
        since: input.varint()?,
        ..Member::default()
    };
    for kind in 0..KINDS {
        member.floor[kind] = small(input)?;
        member.most[kind] = small(input)?;
        member.want[kind] = small(input)?;
        member.may[kind] = small(input)?;
        member.used[kind] = small(input)?;
        member.held[kind] = small(input)?;
    }
    member.at = Timestamp(input.varint()?);
    member.empty_at = Timestamp(input.varint()?);
    Some((name, member))
}
