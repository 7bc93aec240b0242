//! How many threads evaluate a model, and what they do while they wait for each other.

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

/// How often a thread of OpenMP looks whether it may go on before it sleeps: about 20 µs, which is
/// what lies between two waits where a small model says a token.
const LOOKS: &str = "2000";

/// Makes the threads of OpenMP wait awake, but not for long. Where they sleep at once, a model of
/// 150 million weights says a third as many tokens a second, since each layer waits several times
/// and to be woken takes longer than the work. Where they wait for 3 ms, as they do by themselves,
/// it is a hundred times slower or worse as soon as others compute too: those who wait hold the
/// processors that those whom they wait for need. Whoever sets `OMP_WAIT_POLICY` chooses himself:
/// `active` for a machine of its own, `passive` for one that is always busy.
///
/// OpenMP reads its settings before `main`, when the program's own list of initial functions is
/// run; this one is at the head of that list.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[used]
// SAFETY: the section holds pointers to functions of this type, which are called once, in the order
// of their numbers, before there is another thread.
#[unsafe(link_section = ".init_array.00101")]
static WAIT: extern "C" fn() = {
    extern "C" fn wait_shortly() {
        let chosen = std::env::var_os("OMP_WAIT_POLICY").is_some();
        // `active` also has them look around where there are more of them than processors, as with
        // two models. The last is one that ggml would set by itself, but later: while another
        // thread starts a process, for example, and reads the environment.
        let by_us = [("GOMP_SPINCOUNT", LOOKS), ("OMP_WAIT_POLICY", "active")];
        let by_us = by_us.into_iter().filter(|_| !chosen);
        for (name, value) in by_us.chain([("KMP_BLOCKTIME", "200")]) {
            if std::env::var_os(name).is_none() {
                // SAFETY: there is no other thread yet that could read the environment.
                unsafe { std::env::set_var(name, value) };
            }
        }
    }
    wait_shortly
};
