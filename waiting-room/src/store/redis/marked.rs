//! Marks that say what they were: all of one segment in one BITFIELD.

use std::collections::BTreeMap;

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, Argument, command},
};
use crate::{
    line::SEGMENT_NUMBERS,
    store::{Mark, Part, StoreError, Was},
    value::Number,
};

impl RedisStore {
    pub(super) async fn marked(
        &self,
        mark: Mark,
        numbers: &[Number],
    ) -> Result<Vec<Was>, StoreError> {
        let mut places: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (place, number) in numbers.iter().enumerate() {
            let segment = number.0 / SEGMENT_NUMBERS;
            places.entry(segment).or_default().push(place);
        }
        let pipeline = self.links()?.visitors.client()?.pipeline();
        for (segment, places) in &places {
            let segment = *segment;
            let part = Part { mark, segment };
            let mut arguments = vec![self.part_key(part)];
            for place in places {
                let offset = numbers[*place].0 % SEGMENT_NUMBERS;
                let offset = Argument::from(offset.to_string());
                arguments.extend(["SET".into(), "u1".into(), offset, "1".into()]);
            }
            let _: Value = pipeline.custom(command("BITFIELD"), arguments).await?;
            let stamped = self.stamped(part);
            let _: Value = pipeline.custom(command("HINCRBY"), stamped).await?;
        }
        let answers = pipeline.all::<Vec<Value>>().await?;
        let mut all = vec![Was::Set; numbers.len()];
        // Every other answer is a stamp's.
        for (places, answer) in places.values().zip(answers.into_iter().step_by(2)) {
            let bits = wire::bits(answer, places.len())?;
            for (place, was) in places.iter().zip(bits) {
                all[*place] = was;
            }
        }
        Ok(all)
    }
}
