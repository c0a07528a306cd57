//! Marks that are added to those in the store, OR-ed by the server.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, command},
};
use crate::{
    bits::Bits,
    store::{Mark, Part, StoreError},
};

impl RedisStore {
    pub(super) async fn united(&self, mark: Mark, bits: &Bits) -> Result<(), StoreError> {
        let client = self.links()?.bulk.client()?;
        for (segment, bytes) in wire::segments(bits) {
            // A bitmap of ours beside theirs, OR-ed by the server: nobody's bit is overwritten.
            let part = Part { mark, segment };
            // A name of its own for each: another gateway may be at the same.
            let unique = RandomState::new().build_hasher().finish();
            let (theirs, ours) = (self.part_key(part), self.key(&format!("x:{unique:x}")));
            let pipeline = client.pipeline();
            let set = vec![
                ours.clone(),
                wire::blob(&bytes),
                "PX".into(),
                "10000".into(),
            ];
            let _: Value = pipeline.custom(command("SET"), set).await?;
            let or = vec!["OR".into(), theirs.clone(), theirs, ours.clone()];
            let _: Value = pipeline
                .custom(wire::command_with_second_key("BITOP"), or)
                .await?;
            let _: Value = pipeline.custom(command("UNLINK"), vec![ours]).await?;
            let _: Value = pipeline
                .custom(command("HINCRBY"), self.stamped(part))
                .await?;
            let _: Vec<Value> = pipeline.all().await?;
        }
        Ok(())
    }
}
