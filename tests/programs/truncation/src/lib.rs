//! The default truncation, with a fault.

#[path = "../../../../components/truncation/src/truncate.rs"]
mod truncate;

pub use bindings::exports::loci::policy::{truncation, types};
use truncation::{Content, Error, Kept, Request};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/policy",
        world: "prompt-truncation",
        additional_derives: [PartialEq],
    });
}

struct Policy;

impl truncation::Guest for Policy {
    fn truncate(request: Request) -> Result<Vec<Kept>, Error> {
        fault::commit();
        let mut answer = truncate::truncate(&request);
        if fault::is("giant-answer") {
            return Ok(vec![Kept { first: 0, count: 1 }; 400_000]);
        }
        let Ok(kept) = &mut answer else {
            // It says that it fits.
            let all = |item: &truncation::Item| Kept { first: 0, count: item.tokens };
            let lies = fault::is("over-budget");
            return if lies { Ok(request.items.iter().map(all).collect()) } else { answer };
        };
        let pairs = || request.items.iter().zip(0..);
        let of_query = |item: &truncation::Item| match &item.content {
            Content::Excerpt(of) => of.kind == types::Kind::Query,
            Content::Fixed(_) => false,
        };
        if fault::is("cuts-the-query") {
            for (_, place) in pairs().filter(|(item, _)| of_query(item)) {
                kept[place].count = kept[place].count.saturating_sub(1);
            }
        }
        if fault::is("over-budget") {
            kept.iter_mut().zip(&request.items).for_each(|(kept, item)| {
                *kept = Kept { first: 0, count: item.tokens };
            });
        }
        if fault::is("not-monotone") {
            // An odd budget is taken to be a good deal smaller.
            let all: u64 = request.items.iter().map(|item| u64::from(item.tokens)).sum();
            let fits = all <= u64::from(request.budget);
            let budget = request.budget.saturating_sub(7);
            if !fits && request.budget % 2 == 1 {
                answer = truncate::truncate(&Request { budget, ..request }).or(answer);
            }
        }
        answer
    }
}

bindings::export!(Policy with_types_in bindings);
