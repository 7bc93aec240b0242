//! From a file to a model that answers, with a reason at every step where it may fail.

use std::path::Path;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;

use super::engine::BATCH_TOKENS;
use super::{Setup, log, threads};

/// The context of a conversation unless it is set, in tokens; less if the model knows less.
const CONTEXT_TOKENS: u32 = 8_192;
/// Conversations that are evaluated at once, at most.
const SLOTS_MAX: u64 = 16;
/// So many of them, even if their state takes more than `STATE_BYTES`.
const SLOTS_USUAL: u64 = 4;
/// The memory for the evaluated state of conversations, unless a few need more, in bytes.
const STATE_BYTES: u64 = 64 * 1024 * 1024;
/// Files up to this length are read into memory, in bytes. Larger ones are mapped: nothing is held
/// twice, and weights are read when they are needed. But whoever writes into a mapped file changes
/// the model while it speaks, and whoever shortens it ends the process; replacing it by renaming
/// another over it is safe.
const READ_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Whether llama.cpp was built for a GPU.
const GPU: bool = cfg!(any(feature = "cuda", feature = "vulkan", feature = "metal"));

/// How the weights of a model get into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// All of them, with this many layers on a GPU; none for all that there are.
    Whole(Option<u32>),
    /// On no GPU.
    Trial,
    /// Not at all: only their shapes.
    Shapes,
}

/// The sizes of a context.
pub struct Sizes {
    /// The context of one conversation, in tokens.
    pub context_tokens: u32,
    /// Conversations that are evaluated at once.
    pub slots: u32,
    /// The memory of the weights and of the conversations' state, in bytes.
    pub memory_bytes: u64,
}

/// Loads the file at `path`, telling `progress` how much of it is there, from 0 to 1; stops if that
/// returns false.
///
/// Fails with a sentence for the operator.
pub fn model(
    path: &Path,
    weights: Weights,
    progress: impl FnMut(f32) -> bool + 'static,
) -> Result<LlamaModel, String> {
    check_processor()?;
    log::begin();
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let params = LlamaModelParams::default()
        .with_use_mmap(length > READ_BYTES_MAX)
        .with_progress_callback(progress);
    let params = match weights {
        Weights::Whole(Some(layers)) => params.with_n_gpu_layers(layers),
        Weights::Whole(None) => params,
        Weights::Trial => params.with_n_gpu_layers(0),
        Weights::Shapes => params.with_n_gpu_layers(0).with_no_alloc(true),
    };
    LlamaModel::load_from_file(log::backend(), path, &params).map_err(|_| {
        let said = log::errors();
        let why = if said.is_empty() { "llama.cpp does not say why" } else { &said };
        format!("`{}` cannot be loaded: {why}", path.display())
    })
}

/// How large the context of `model` is to be.
///
/// Fails with a sentence for the operator if the model or the memory does not allow it.
pub fn sizes(model: &LlamaModel, setup: &Setup) -> Result<Sizes, String> {
    let trained = model.n_ctx_train();
    let context_tokens = setup.context_tokens.unwrap_or(CONTEXT_TOKENS.min(trained));
    if context_tokens > trained {
        return Err(format!(
            "a context of {context_tokens} tokens is more than the {trained} that the model was \
             trained for; set a smaller one"
        ));
    }
    let each = state_bytes(model).saturating_mul(u64::from(padded(context_tokens))).max(1);
    // What is evaluated on a GPU is kept there; llama.cpp itself says if there is no room.
    let on_gpu = GPU && setup.gpu_layers != Some(0);
    let free = free_bytes().filter(|_| !on_gpu).unwrap_or(u64::MAX);
    let least = u64::from(setup.slots.unwrap_or(1));
    if each.saturating_mul(least) > free {
        return Err(format!(
            "a context of {context_tokens} tokens for {least} conversations at once needs {} MB of \
             memory and {} MB are free; set a smaller one",
            each.saturating_mul(least) >> 20,
            free >> 20
        ));
    }
    // A quarter at most: the weights, which may be read from the file as needed, want to stay.
    let usual = STATE_BYTES.max(each.saturating_mul(SLOTS_USUAL)).max(free / 16).min(free / 4);
    let most = if free == u64::MAX { STATE_BYTES } else { usual };
    let slots = setup.slots.unwrap_or_else(|| slots_in(most, each));
    let memory_bytes = model.size().saturating_add(each.saturating_mul(u64::from(slots)));
    Ok(Sizes { context_tokens, slots, memory_bytes })
}

/// A context for chats with `model`.
///
/// Fails with a sentence for the operator.
pub fn context<'m>(model: &'m LlamaModel, sizes: &Sizes) -> Result<LlamaContext<'m>, String> {
    let total = padded(sizes.context_tokens).saturating_mul(sizes.slots);
    let params = LlamaContextParams::default()
        .with_n_ctx(std::num::NonZeroU32::new(total))
        .with_n_batch(BATCH_TOKENS)
        .with_n_ubatch(BATCH_TOKENS)
        .with_n_seq_max(sizes.slots)
        // Each conversation has a part of its own: what others said is not even looked at.
        .with_kv_unified(false)
        .with_n_threads(threads::count(model))
        .with_n_threads_batch(threads::count_for_batches(model))
        .with_no_perf(true);
    log::begin();
    model.new_context(log::backend(), params).map_err(|_| {
        let said = log::errors();
        format!(
            "no context of {} tokens for {} conversations could be made: {said}; set a smaller one",
            sizes.context_tokens, sizes.slots
        )
    })
}

/// Evaluates something for the first time, which reads the weights from the disk: nobody should
/// wait for that. Returns whether the model's state can be cut back to an earlier token.
///
/// Fails with a sentence for the operator.
pub fn warm_up(ctx: &mut LlamaContext<'_>) -> Result<bool, String> {
    log::begin();
    let mut batch = LlamaBatch::new(2, 1);
    let added = (0..2).all(|at| batch.add(LlamaToken(0), at, &[0], at == 1).is_ok());
    if !added || ctx.decode(&mut batch).is_err() {
        return Err(format!("the model cannot be evaluated: {}", log::errors()));
    }
    let is_cut = ctx.clear_kv_cache_seq(Some(0), Some(1), None) == Ok(true);
    ctx.clear_kv_cache();
    Ok(is_cut)
}

fn slots_in(bytes: u64, each: u64) -> u32 {
    (bytes / each).clamp(1, SLOTS_MAX) as u32
}

/// llama.cpp rounds the context of a sequence up to this.
fn padded(tokens: u32) -> u32 {
    tokens.max(1).checked_next_multiple_of(256).unwrap_or(tokens)
}

/// What the evaluated state of one token takes, in bytes: keys and values of 16 bits each.
fn state_bytes(model: &LlamaModel) -> u64 {
    let architecture = model.meta_val_str("general.architecture").unwrap_or_default();
    let usual = u64::from(model.n_embd().unsigned_abs()) / u64::from(model.n_head().max(1));
    let width = |part: &str| {
        let value = model.meta_val_str(&format!("{architecture}.attention.{part}_length"));
        value.ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let heads = u64::from(model.n_head_kv()) * u64::from(model.n_layer());
    heads * (width("key") + width("value")) * 2
}

/// The memory that this machine can still give, in bytes, where it tells.
fn free_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

/// llama.cpp is built for processors with AVX2; on others its first instruction would end us.
fn check_processor() -> Result<(), String> {
    #[cfg(target_arch = "x86_64")]
    {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
            && is_x86_feature_detected!("bmi2");
        if !has {
            return Err("this processor lacks AVX2, FMA, F16C or BMI2, which the built-in \
                        llama.cpp needs"
                .into());
        }
    }
    Ok(())
}
