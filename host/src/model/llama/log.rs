//! llama.cpp's log: into `tracing`, and into the reason why a model could not be loaded.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_sys_2::{GGML_LOG_LEVEL_ERROR, GGML_LOG_LEVEL_WARN, ggml_log_level, llama_log_set};

thread_local! {
    /// The errors that llama.cpp wrote on this thread since `begin`.
    static ERRORS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The errors that are kept for a reason; the first ones say most.
const ERRORS_MAX: usize = 8;

/// Starts llama.cpp in this process, once. Its log goes to `tracing` from then on: errors and
/// warnings as warnings (they are the model's, seldom the operator's), the rest for debugging.
pub fn backend() -> &'static LlamaBackend {
    static BACKEND: OnceLock<LlamaBackend> = OnceLock::new();
    BACKEND.get_or_init(|| {
        // SAFETY: `receive` has the signature that is asked for and needs no user data.
        unsafe { llama_log_set(Some(receive), std::ptr::null_mut()) };
        LlamaBackend::init().expect("this is the only place that starts llama.cpp")
    })
}

/// Forgets the errors of this thread: what follows is another matter.
pub fn begin() {
    ERRORS.with_borrow_mut(Vec::clear);
}

/// What went wrong on this thread since `begin`, as one line; empty if llama.cpp did not say.
pub fn errors() -> String {
    ERRORS.with_borrow(|errors| errors.join("; "))
}

unsafe extern "C" fn receive(level: ggml_log_level, text: *const c_char, _: *mut c_void) {
    // SAFETY: llama.cpp passes a text that ends in 0 and lives until this call returns.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim();
    if text.is_empty() || text.chars().all(|character| character == '.') {
        return;
    }
    if level == GGML_LOG_LEVEL_ERROR {
        tracing::warn!(target: "llama.cpp", "{text}");
        ERRORS.with_borrow_mut(|errors| {
            if errors.len() < ERRORS_MAX {
                // The name of a C++ function before the colon tells an operator nothing.
                let message = text.split_once(": ").map_or(text, |(_, message)| message);
                errors.push(message.to_owned());
            }
        });
    } else if level == GGML_LOG_LEVEL_WARN {
        tracing::warn!(target: "llama.cpp", "{text}");
    } else {
        tracing::debug!(target: "llama.cpp", "{text}");
    }
}
