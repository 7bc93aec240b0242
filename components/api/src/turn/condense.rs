//! Shortening what was recalled. What is short enough already is not touched, nor sent anywhere.

use super::degraded::{Degraded, reason};
use super::policies::Policies;
use super::{builtin, check};
use crate::bindings::inference::tokenizer::Side;
use crate::bindings::inference::types::Error as ModelError;
use crate::bindings::policy::condensation;
use crate::bindings::policy::types::Span;
use crate::bindings::policy::versions::Hook;
use crate::http::error::ApiError;
use crate::measure;
use crate::turn::passages::whole;

/// What is kept of a text: spans, and the tokens of each by itself.
pub type Kept = Vec<(Span, u32)>;

/// Shortens each text (with its tokens) to at most `tokens_max`, guided by the query. Nothing is
/// kept of a text in which nothing bears on the query.
///
/// Fails as the model does. A policy that fails is replaced by the built-in one, and noted, or it
/// fails the turn, where that was said.
pub async fn condense(
    query: &str,
    texts: &[(&str, u32)],
    tokens_max: u32,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<Kept>, ApiError> {
    let of_model = |error: ModelError| ApiError::of_model(&error);
    let mut kept: Vec<Kept> = texts.iter().map(|(text, tokens)| whole(text, *tokens)).collect();
    let long: Vec<usize> = (0..texts.len()).filter(|at| texts[*at].1 > tokens_max).collect();
    if long.is_empty() {
        return Ok(kept);
    }
    let sources = long.iter().map(|at| condensation::Source {
        text: texts[*at].0.to_owned(),
        tokens: texts[*at].1,
        tokens_max,
    });
    let request = condensation::Request { query: query.to_owned(), sources: sources.collect() };
    let spans = ask(&request, policies, degraded)?;

    let pieces: Vec<&str> = request
        .sources
        .iter()
        .zip(&spans)
        .flat_map(|(source, spans)| spans.iter().map(|span| slice(&source.text, *span)))
        .collect();
    let mut counts = measure::count(&pieces).await.map_err(of_model)?.into_iter();
    for ((at, spans), source) in long.into_iter().zip(&spans).zip(&request.sources) {
        let measured = spans.iter().copied().zip(counts.by_ref()).collect();
        kept[at] = clip(&source.text, measured, tokens_max).await.map_err(of_model)?;
    }
    Ok(kept)
}

/// The text of a span that was checked.
pub fn slice(text: &str, span: Span) -> &str {
    &text[span.start as usize..span.end as usize]
}

fn ask(
    request: &condensation::Request,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<Vec<Span>>, ApiError> {
    let answer = policies.ask(Hook::Condensation, || {
        let spans = condensation::condense(request);
        let spans = spans.map_err(|condensation::Error::Failed(failure)| reason(failure))?;
        check::condensation(request, &spans).map(|()| spans)
    });
    answer.or_else(|reason| {
        policies.failed(Hook::Condensation, reason, degraded)?;
        Ok(builtin::condense(request))
    })
}

/// Cuts what is still too long at its end: a policy has no tokenizer, so its lengths are estimates.
async fn clip(text: &str, spans: Kept, tokens_max: u32) -> Result<Kept, ModelError> {
    let mut left = tokens_max;
    let mut kept = Vec::with_capacity(spans.len());
    for (span, tokens) in spans {
        if tokens <= left {
            left -= tokens;
            kept.push((span, tokens));
            continue;
        }
        let range = measure::clip(slice(text, span), left, Side::Beginning).await?;
        if !range.is_empty() {
            let span = Span { start: span.start, end: span.start + range.end as u32 };
            let tokens = measure::count(&[slice(text, span)]).await?[0];
            kept.push((span, tokens));
        }
        break;
    }
    Ok(kept)
}
