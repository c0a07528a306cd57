//! What the gateways saw of the origin: a list of the last reports.

use fred::prelude::*;

use super::{
    RedisStore,
    wire::{self, Argument, command},
};
use crate::store::{KEPT_REPORTS, StoreError};

impl RedisStore {
    pub(super) async fn reported(&self, report: &[u8]) -> Result<(), StoreError> {
        let pipeline = self.links()?.bulk.client()?.pipeline();
        let key = self.key("w");
        let push = vec![key.clone(), wire::blob(report)];
        let _: Value = pipeline.custom(command("RPUSH"), push).await?;
        let kept = Argument::from(format!("-{KEPT_REPORTS}"));
        let trim = vec![key.clone(), kept, "-1".into()];
        let _: Value = pipeline.custom(command("LTRIM"), trim).await?;
        let expire = vec![key, "60000".into()];
        let _: Value = pipeline.custom(command("PEXPIRE"), expire).await?;
        let _: Vec<Value> = pipeline.all().await?;
        Ok(())
    }

    pub(super) async fn last_reports(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let range = vec![self.key("w"), "0".into(), "-1".into()];
        let client = self.links()?.bulk.client()?;
        let reports = wire::array(Some(client.custom(command("LRANGE"), range).await?))?;
        let reports = reports.into_iter();
        Ok(reports.filter_map(Value::into_owned_bytes).collect())
    }
}
