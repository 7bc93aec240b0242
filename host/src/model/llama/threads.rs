//! How many threads evaluate a model.

use llama_cpp_2::model::LlamaModel;

/// Weights that one thread evaluates about as fast as several that wait for each other at every
/// step, in bytes.
const ONE_THREAD_BYTES: u64 = 48 * 1024 * 1024;

/// The same where many tokens are evaluated at once, so that there is more between the waits.
const ONE_THREAD_BATCH_BYTES: u64 = 4 * 1024 * 1024;

/// The number of threads that evaluate one token of `model`.
pub fn count(model: &LlamaModel) -> i32 {
    if model.size() < ONE_THREAD_BYTES { 1 } else { processors() }
}

/// The number of threads that evaluate several tokens of `model`.
pub fn count_for_batches(model: &LlamaModel) -> i32 {
    if model.size() < ONE_THREAD_BATCH_BYTES { 1 } else { processors() }
}

fn processors() -> i32 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as i32)
}

/// Sets a variable of the environment that ggml would set by itself, but later: while another
/// thread starts a process, for example, and reads them. For OpenMP as clang has it.
///
/// This function is at the head of the list of those that are called before `main`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[used]
// SAFETY: the section holds pointers to functions of this type, which are called once, in the order
// of their numbers, before there is another thread.
#[unsafe(link_section = ".init_array.00101")]
static SETTLE: extern "C" fn() = {
    extern "C" fn settle() {
        if std::env::var_os("KMP_BLOCKTIME").is_none() {
            // SAFETY: there is no other thread yet that could read the environment.
            unsafe { std::env::set_var("KMP_BLOCKTIME", "200") };
        }
    }
    settle
};
