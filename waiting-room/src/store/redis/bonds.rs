//! Names that numbers are bound to once: a hash for each shelf, written with HSETNX.

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, Argument, command},
};
use crate::{
    store::{Bond, INVITATIONS_KEPT, SHELF, Shelf, StoreError},
    value::{Number, millis},
};

impl RedisStore {
    fn shelf_key(&self, shelf: Shelf) -> Argument {
        match shelf {
            Shelf::Arrivals(period) => self.key(&format!("b:{period}")),
            Shelf::Invitations => self.key("b:i"),
        }
    }

    fn place(&self, bond: &Bond) -> Vec<Argument> {
        let field = wire::blob(&bond.name.to_be_bytes());
        vec![self.shelf_key(bond.shelf), field]
    }

    pub(super) async fn bound_now(
        &self,
        names: &[Bond],
    ) -> Result<Vec<Option<Number>>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let pipeline = self.links()?.visitors.client()?.pipeline();
        for name in names {
            let _: Value = pipeline.custom(command("HGET"), self.place(name)).await?;
        }
        let answers = pipeline.all::<Vec<Value>>().await?;
        answers.into_iter().map(wire::counter).collect()
    }

    pub(super) async fn bind_once(
        &self,
        pairs: &[(Bond, Number)],
    ) -> Result<Vec<Number>, StoreError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let pipeline = self.links()?.visitors.client()?.pipeline();
        for (name, number) in pairs {
            let mut set = self.place(name);
            set.push(Argument::from(number.to_string()));
            let _: Value = pipeline.custom(command("HSETNX"), set).await?;
        }
        // What stands there now, whoever wrote it: sent again by a client that reconnects, all of it says the same.
        for (name, _) in pairs {
            let _: Value = pipeline.custom(command("HGET"), self.place(name)).await?;
        }
        let mut shelves: Vec<_> = pairs.iter().map(|(name, _)| name.shelf).collect();
        shelves.dedup();
        for shelf in shelves {
            let keep = match shelf {
                Shelf::Arrivals(_) => 3 * SHELF,
                Shelf::Invitations => INVITATIONS_KEPT,
            };
            let keep = Argument::from(millis(keep).to_string());
            let expire = vec![self.shelf_key(shelf), keep];
            let _: Value = pipeline.custom(command("PEXPIRE"), expire).await?;
        }
        let answers = pipeline.all::<Vec<Value>>().await?;
        let bound = answers.into_iter().skip(pairs.len()).take(pairs.len());
        bound
            .map(|value| {
                let missing = || StoreError::Unexpected("a name that is not bound".to_owned());
                wire::counter(value)?.ok_or_else(missing)
            })
            .collect()
    }
}
