//! What can be told from a GGUF file before it is loaded: whether it is one, whether it is whole,
//! what kind of model it holds, and the digest that names it.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use llama_cpp_sys_2 as sys;
use sha2::{Digest, Sha256};

/// Parts of the weights that enter the digest.
const SAMPLES: u64 = 64;
/// The length of such a part, in bytes.
const SAMPLE_BYTES: u64 = 4_096;

/// A GGUF file that is whole.
pub struct GgufFile {
    /// The name that the file gives its model, or else the file's own.
    pub name: String,
    /// Identifies the model: 64 hexadecimal digits. It covers the header with all metadata (so the
    /// tokenizer and the template), the list of tensors, the length of the file, and 64 samples of
    /// 4 kB of the weights: hashing gigabytes at every start would cost more than it proves.
    pub digest: String,
    /// The length of the file, in bytes.
    pub bytes: u64,
    /// Whether the model embeds texts rather than continues them.
    pub embeds: bool,
}

impl GgufFile {
    /// Reads the head of the file at `path`.
    ///
    /// Fails with a sentence for the operator if it cannot be read, is no GGUF, or is cut off.
    pub fn open(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let fail = |error| format!("`{shown}` cannot be read: {error}");
        let mut file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file `{shown}`"),
            _ => fail(error),
        })?;
        let bytes = file.metadata().map_err(fail)?.len();
        let mut magic = [0; 4];
        if file.read_exact(&mut magic).is_err() || &magic != b"GGUF" {
            return Err(format!("`{shown}` is not a GGUF file"));
        }
        let head = Head::read(path)?;
        let promised = head.promised_bytes();
        if promised > bytes {
            return Err(format!(
                "`{shown}` is cut off: it has {bytes} bytes and its header promises {promised}; \
                 copy or download it again"
            ));
        }
        let digest = digest(&mut file, bytes, head.data_offset()).map_err(fail)?;
        let architecture = head.string("general.architecture").unwrap_or_default();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            name: head.string("general.name").filter(|name| !name.is_empty()).unwrap_or(stem),
            digest,
            bytes,
            embeds: architecture.contains("bert")
                || head.bool(&format!("{architecture}.attention.causal")) == Some(false)
                || head.has(&format!("{architecture}.pooling_type")),
        })
    }
}

/// See `GgufFile::digest`.
fn digest(file: &mut File, bytes: u64, data_offset: u64) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    hash.update(bytes.to_le_bytes());
    file.seek(SeekFrom::Start(0))?;
    let mut part = Vec::new();
    let copied = file.take(data_offset).read_to_end(&mut part)?;
    hash.update(&part[..copied]);
    let weights = bytes - data_offset;
    for sample in 0..SAMPLES {
        part.clear();
        file.seek(SeekFrom::Start(data_offset + weights / SAMPLES * sample))?;
        file.take(SAMPLE_BYTES).read_to_end(&mut part)?;
        hash.update(&part);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The parsed head of a GGUF file, without its weights.
pub(super) struct Head(*mut sys::gguf_context);

impl Head {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = path.to_str().and_then(|text| CString::new(text).ok());
        let text = text.ok_or_else(|| format!("the path `{shown}` is not valid UTF-8"))?;
        let params = sys::gguf_init_params { no_alloc: true, ctx: std::ptr::null_mut() };
        super::log::begin();
        // SAFETY: the path ends in 0; with `no_alloc` and no context only the head is read.
        let head = unsafe { sys::gguf_init_from_file(text.as_ptr(), params) };
        if head.is_null() {
            let said = super::log::errors();
            let why = if said.is_empty() { "its header is damaged or cut off" } else { &said };
            return Err(format!("`{shown}` is not a usable GGUF file: {why}"));
        }
        Ok(Self(head))
    }

    fn data_offset(&self) -> u64 {
        // SAFETY: the pointer is valid until `drop`, here and below.
        unsafe { sys::gguf_get_data_offset(self.0) as u64 }
    }

    fn promised_bytes(&self) -> u64 {
        // SAFETY: see above; the indices are below the number of tensors.
        let ends = unsafe {
            (0..sys::gguf_get_n_tensors(self.0)).map(|index| {
                let offset = sys::gguf_get_tensor_offset(self.0, index) as u64;
                offset.saturating_add(sys::gguf_get_tensor_size(self.0, index) as u64)
            })
        };
        self.data_offset().saturating_add(ends.max().unwrap_or(0))
    }

    fn find(&self, key: &str, kind: sys::gguf_type) -> Option<i64> {
        let key = CString::new(key).ok()?;
        // SAFETY: see above; the key ends in 0.
        let index = unsafe { sys::gguf_find_key(self.0, key.as_ptr()) };
        // SAFETY: the index is one that `gguf_find_key` found.
        (index >= 0 && unsafe { sys::gguf_get_kv_type(self.0, index) } == kind).then_some(index)
    }

    pub(super) fn number(&self, key: &str) -> Option<u32> {
        let index = self.find(key, sys::GGUF_TYPE_UINT32)?;
        // SAFETY: the index is valid and its value has this type.
        Some(unsafe { sys::gguf_get_val_u32(self.0, index) })
    }

    /// Of each tensor: the name of the type of its numbers, how many they are, and their bytes.
    pub(super) fn tensors(&self) -> Vec<(String, u64, u64)> {
        // SAFETY: see above; the indices are below the number of tensors, and the file was refused
        // if one has a type that ggml does not know. Names of types are texts that never go away.
        unsafe {
            let all = 0..sys::gguf_get_n_tensors(self.0);
            all.map(|index| {
                let kind = sys::gguf_get_tensor_type(self.0, index);
                let bytes = sys::gguf_get_tensor_size(self.0, index) as u64;
                let block = sys::ggml_blck_size(kind).max(1) as u64;
                let weights = bytes / (sys::ggml_type_size(kind) as u64).max(1) * block;
                let name = CStr::from_ptr(sys::ggml_type_name(kind));
                (name.to_string_lossy().into_owned(), weights, bytes)
            })
            .collect()
        }
    }

    fn has(&self, key: &str) -> bool {
        self.find(key, sys::GGUF_TYPE_UINT32).is_some()
    }

    fn bool(&self, key: &str) -> Option<bool> {
        let index = self.find(key, sys::GGUF_TYPE_BOOL)?;
        // SAFETY: the index is valid and its value has this type.
        Some(unsafe { sys::gguf_get_val_bool(self.0, index) })
    }

    pub(super) fn string(&self, key: &str) -> Option<String> {
        let index = self.find(key, sys::GGUF_TYPE_STRING)?;
        // SAFETY: the index is valid, its value is a text that ends in 0 and lives until `drop`.
        let text = unsafe { CStr::from_ptr(sys::gguf_get_val_str(self.0, index)) };
        Some(text.to_string_lossy().into_owned())
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `gguf_init_from_file` and is freed once.
        unsafe { sys::gguf_free(self.0) };
    }
}
