//! A condensation that keeps everything, with a fault.

pub use bindings::exports::loci::policy::{condensation, types};
use condensation::{Error, Request};
use types::Span;

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/policy", world: "passage-condensation" });
}

struct Policy;

impl condensation::Guest for Policy {
    fn condense(request: Request) -> Result<Vec<Vec<Span>>, Error> {
        fault::commit_now(&request.query);
        let whole = |source: &condensation::Source| match source.text.len() as u32 {
            0 => Vec::new(),
            end => vec![Span { start: 0, end }],
        };
        let mut kept: Vec<Vec<Span>> = request.sources.iter().map(whole).collect();
        let long = request.sources.iter().zip(0..);
        for (source, place) in long.filter(|(source, _)| source.tokens > source.tokens_max) {
            let end = source.text.len() as u32;
            if fault::is("cuts-a-character") && end > 1 {
                kept[place] = vec![Span { start: 0, end: end - 1 }];
            } else if fault::is("past-the-end") {
                kept[place] = vec![Span { start: 0, end: end + 1 }];
            } else if fault::is("repeats") && end > 0 {
                kept[place] = vec![Span { start: 0, end }; 2];
            }
        }
        if fault::is("forgets-a-source") {
            kept.pop();
        }
        Ok(kept)
    }
}

bindings::export!(Policy with_types_in bindings);
