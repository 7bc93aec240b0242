//! Choosing the next token of one answer.

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llguidance::Matcher;

use crate::model::Options;
use crate::model::options::Sampling;

/// The last tokens that the repeat penalty looks at.
const REPEAT_TOKENS: usize = 64;

/// The chain of samplers for an answer: the order of llama.cpp's own server, behind the mask of the
/// constraint if there is one. Every answer has its own random numbers, so what others ask
/// meanwhile does not change it. `prompt` is what was read so far, for the repeat penalty.
pub fn sampler(
    options: &Options,
    constraint: Option<&Matcher>,
    vocabulary: i32,
    prompt: &[LlamaToken],
) -> LlamaSampler {
    let sampling = Sampling::of(options);
    let mut chain = Vec::with_capacity(7);
    // The mask begins with the answer: it must not be told of the prompt.
    chain.extend(constraint.map(|matcher| LlamaSampler::from(matcher.deep_clone())));
    if sampling.repeat_penalty > 1.0 {
        let last = REPEAT_TOKENS as i32;
        let penalty = sampling.repeat_penalty;
        let penalties = LlamaSampler::penalties(vocabulary, last, penalty, 0.0, 0.0);
        let recent = &prompt[prompt.len().saturating_sub(REPEAT_TOKENS)..];
        chain.push(penalties.with_tokens(recent));
    }
    if sampling.temperature == 0.0 {
        chain.push(LlamaSampler::greedy());
    } else {
        if sampling.top_k > 0 {
            chain.push(LlamaSampler::top_k(sampling.top_k as i32));
        }
        chain.push(LlamaSampler::top_p(sampling.top_p, 1));
        chain.push(LlamaSampler::min_p(sampling.min_p, 1));
        chain.push(LlamaSampler::temp(sampling.temperature));
        chain.push(LlamaSampler::dist(options.seed.unwrap_or_else(fresh_seed)));
    }
    LlamaSampler::chain(chain, true)
}

/// A seed that nobody chose. Not a secret: the standard library's own random keys do.
fn fresh_seed() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() as u32
}
