//! Comparing entries whose ids are known.

use super::shard::Opened;
use super::{Shared, check_name};
use crate::bindings::search::vectors::{Error, Likeness};

/// The entries of one comparison, and those that are typical.
const COMPARED_MAX: u32 = 4_096;

impl Shared {
    /// Has the shard that holds a scope compare entries of it. What the component says of another
    /// number of entries is no answer.
    pub(super) async fn compare(
        &self,
        index: &Opened,
        scope: String,
        query: Vec<f32>,
        ids: Vec<u64>,
        typical: Vec<u64>,
    ) -> Result<Vec<Option<Likeness>>, Error> {
        check_name(&scope)?;
        if ids.len().max(typical.len()) > COMPARED_MAX as usize {
            return Err(Error::TooMany(COMPARED_MAX));
        }
        if query.len() != index.dimensions as usize || query.iter().any(|x| !x.is_finite()) {
            return Err(Error::BadVector(0));
        }
        let (component, count) = (self.component.load_full(), ids.len());
        let told = self.shard_of(&scope).call(&component, index, |live, index| {
            let compare = live.functions().compare;
            Ok(compare.call(live.store(), (index, scope, query, ids, typical))?.0)
        });
        let told = told.await??;
        if told.len() == count { Ok(told) } else { Err(Error::Failed) }
    }
}
