//! The interface, as the host implements it.

use wasmtime::component::{HasData, Linker, Resource};

use super::{Ctx, IDS_PER_CALL, check_name};
use crate::bindings::search::vectors::{
    self, Candidate, Entry, Error, Hit, Index, Likeness, Statistics, Text,
};

/// What one call borrows of the store.
pub struct View<'a> {
    pub(super) ctx: &'a Ctx,
}

struct Search;

impl HasData for Search {
    type Data<'a> = View<'a>;
}

impl vectors::Host for View<'_> {}

impl vectors::HostIndex for View<'_> {
    async fn open(
        &mut self,
        name: String,
        dimensions: u32,
    ) -> wasmtime::Result<Result<Resource<Index>, Error>> {
        Ok(self.ctx.shared.open(name, dimensions).map(Resource::new_own))
    }

    async fn mark(
        &mut self,
        index: Resource<Index>,
        scope: String,
    ) -> wasmtime::Result<Option<u64>> {
        let shared = &self.ctx.shared;
        let index = shared.opened(&index)?;
        if check_name(&scope).is_err() {
            return Ok(None);
        }
        let shard = shared.shard_of(&scope);
        let component = shared.component.load_full();
        let mark = shard.call(&component, &index, |live, index| {
            let mark = live.functions().mark;
            Ok(mark.call(live.store(), (index, scope))?.0)
        });
        // A shard that was lost holds nothing.
        Ok(mark.await.unwrap_or(None))
    }

    async fn insert(
        &mut self,
        index: Resource<Index>,
        scope: String,
        entries: Vec<Entry>,
        mark: u64,
    ) -> wasmtime::Result<Result<(), Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.insert(&index, scope, entries, mark).await)
    }

    async fn remove(
        &mut self,
        index: Resource<Index>,
        scope: String,
        ids: Vec<u64>,
    ) -> wasmtime::Result<u32> {
        let shared = &self.ctx.shared;
        let index = shared.opened(&index)?;
        if check_name(&scope).is_err() {
            return Ok(0);
        }
        let component = shared.component.load_full();
        let mut removed = 0;
        for ids in ids.chunks(IDS_PER_CALL) {
            let (scope, ids) = (scope.clone(), ids.to_vec());
            let part = shared.shard_of(&scope).call(&component, &index, |live, index| {
                let remove = live.functions().remove;
                Ok(remove.call(live.store(), (index, scope, ids))?.0)
            });
            // A shard that was lost holds nothing: what was to be removed is.
            removed += part.await.unwrap_or(0);
        }
        Ok(removed)
    }

    async fn drop_scope(&mut self, index: Resource<Index>, scope: String) -> wasmtime::Result<()> {
        let shared = &self.ctx.shared;
        let index = shared.opened(&index)?;
        if check_name(&scope).is_err() {
            return Ok(());
        }
        let shard = shared.shard_of(&scope);
        let component = shared.component.load_full();
        let dropped = shard.call(&component, &index, |live, index| {
            let drop_scope = live.functions().drop_scope;
            drop_scope.call(live.store(), (index, scope))
        });
        // A shard that was lost has dropped it too.
        let _ = dropped.await;
        Ok(())
    }

    async fn search(
        &mut self,
        index: Resource<Index>,
        scopes: Vec<String>,
        query: Vec<f32>,
        most: u32,
    ) -> wasmtime::Result<Result<Vec<Hit>, Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.search(&index, scopes, query, most).await)
    }

    async fn candidates(
        &mut self,
        index: Resource<Index>,
        scopes: Vec<String>,
        query: Vec<f32>,
        most: u32,
    ) -> wasmtime::Result<Result<Vec<Candidate>, Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.candidates(&index, scopes, query, most).await)
    }

    async fn compare(
        &mut self,
        index: Resource<Index>,
        scope: String,
        query: Vec<f32>,
        ids: Vec<u64>,
        typical: Vec<u64>,
    ) -> wasmtime::Result<Result<Vec<Option<Likeness>>, Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.compare(&index, scope, query, ids, typical).await)
    }

    async fn worded(
        &mut self,
        index: Resource<Index>,
        scope: String,
    ) -> wasmtime::Result<Option<u64>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.worded(&index, scope).await)
    }

    async fn insert_words(
        &mut self,
        index: Resource<Index>,
        scope: String,
        texts: Vec<Text>,
        after: Option<u64>,
        mark: u64,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.insert_words(&index, scope, texts, after, mark).await)
    }

    async fn search_words(
        &mut self,
        index: Resource<Index>,
        scope: String,
        terms: Vec<String>,
        most: u32,
    ) -> wasmtime::Result<Result<Option<Vec<Hit>>, Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.search_words(&index, scope, terms, most).await)
    }

    async fn score_words(
        &mut self,
        index: Resource<Index>,
        scope: String,
        terms: Vec<String>,
        ids: Vec<u64>,
    ) -> wasmtime::Result<Result<Vec<Option<f32>>, Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.score_words(&index, scope, terms, ids).await)
    }

    async fn snapshot(
        &mut self,
        index: Resource<Index>,
        scope: String,
        part: u32,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        let index = self.ctx.shared.opened(&index)?;
        // A shard that was lost holds nothing.
        Ok(self.ctx.shared.snapshot(&index, scope, part).await.unwrap_or(None))
    }

    async fn restore(
        &mut self,
        index: Resource<Index>,
        scope: String,
        part: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.restore(&index, scope, part).await)
    }

    async fn statistics(&mut self, index: Resource<Index>) -> wasmtime::Result<Statistics> {
        let index = self.ctx.shared.opened(&index)?;
        Ok(self.ctx.shared.statistics(&index).await)
    }

    async fn drop(&mut self, _index: Resource<Index>) -> wasmtime::Result<()> {
        // The contents are shared, and stay for whoever opens the name next.
        Ok(())
    }
}

/// Gives a component the vector index.
///
/// # Errors
///
/// Fails if the linker has the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    vectors::add_to_linker::<T, Search>(linker, view)
}
