//! A component that was compiled and linked: with nothing, or with a WASI that is deaf and blind.

use futures::FutureExt as _;
use wasmtime::component::{
    Component, ComponentNamedList, Instance, InstancePre, Lift, Linker, Lower, TypedFunc,
};
use wasmtime::{Engine, Result, Store, Trap};

use super::limits::Limits;
use super::outside::Outside;
use super::{Refusal, deaf, digest};

/// A component that was compiled and linked. Cheap to clone.
#[derive(Clone)]
pub struct Linked {
    digest: String,
    pre: Pre,
}

impl Linked {
    /// Compiles a component of at most `bytes_max`. Blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if it is no component, or wants something that no policy has.
    pub fn new(
        engine: &Engine,
        bytes: &[u8],
        bytes_max: usize,
    ) -> std::result::Result<Self, Refusal> {
        // Before seconds are spent on it.
        exports(bytes, bytes_max)?;
        let component = crate::engine::compile(engine, bytes)
            .map_err(|error| Refusal::Invalid(format!("{error:#}")))?;
        Ok(Self { digest: digest(bytes), pre: Pre::new(engine, &component)? })
    }

    /// The sha256 of the component, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What calls begin from.
    pub(super) fn pre(&self) -> &Pre {
        &self.pre
    }

    /// The names of what it exports.
    pub fn exports(&self) -> Vec<String> {
        let component = self.pre.component();
        let exports = component.component_type();
        exports.exports(component.engine()).map(|(name, _)| name.to_owned()).collect()
    }
}

/// The names of what a component of at most `bytes_max` exports, without compiling it.
///
/// # Errors
///
/// Fails if it is no component, or wants something that no policy has.
pub fn exports(bytes: &[u8], bytes_max: usize) -> std::result::Result<Vec<String>, Refusal> {
    if bytes.len() > bytes_max {
        return Err(Refusal::TooLarge { bytes: bytes.len(), most: bytes_max });
    }
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(Refusal::Precompiled);
    }
    match bytes {
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => {}
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => return Err(Refusal::CoreModule),
        _ => return Err(Refusal::NoComponent),
    }
    let outside = Outside::of(bytes).map_err(|error| Refusal::Invalid(format!("{error:#}")))?;
    let wanted: Vec<String> =
        outside.imports.into_iter().filter(|name| !deaf::offers(name)).collect();
    match wanted.is_empty() {
        true => Ok(outside.exports),
        false => Err(Refusal::Imports(wanted)),
    }
}

/// What calls begin from.
#[derive(Clone)]
pub struct Pre {
    pre: InstancePre<Limits>,
    /// Whether it imports WASI, whose functions are those of a library that can wait.
    has_wasi: bool,
}

impl Pre {
    fn new(engine: &Engine, component: &Component) -> std::result::Result<Self, Refusal> {
        let ty = component.component_type();
        let names = ty.imports(engine).map(|(name, _)| name.to_owned());
        let (offered, wanted): (Vec<String>, Vec<String>) =
            names.partition(|name| deaf::offers(name));
        if !wanted.is_empty() {
            return Err(Refusal::Imports(wanted));
        }
        let has_wasi = !offered.is_empty();
        let linker = if has_wasi { deaf::linker(engine) } else { Ok(Linker::new(engine)) };
        let pre = linker.and_then(|linker| linker.instantiate_pre(component));
        let pre = pre.map_err(|error| Refusal::Invalid(format!("{error:#}")))?;
        Ok(Self { pre, has_wasi })
    }

    /// The component.
    pub fn component(&self) -> &Component {
        self.pre.component()
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        self.pre.engine()
    }

    /// Makes an instance.
    ///
    /// # Errors
    ///
    /// Fails as the component does where it starts.
    pub fn start(&self, store: &mut Store<Limits>) -> Result<Instance> {
        match self.has_wasi {
            true => at_once(self.pre.instantiate_async(store)),
            false => self.pre.instantiate(store),
        }
    }

    /// Calls a function of an instance of it.
    ///
    /// # Errors
    ///
    /// Fails as the call does.
    pub fn call<P, R>(
        &self,
        store: &mut Store<Limits>,
        function: &TypedFunc<P, R>,
        params: P,
    ) -> Result<R>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        match self.has_wasi {
            true => at_once(function.call_async(store, params)),
            false => function.call(store, params),
        }
    }
}

/// What comes of a call that has nothing to wait for. One that waits all the same waits for ever,
/// and ends as one that ran out of time.
fn at_once<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    call.now_or_never().unwrap_or_else(|| Err(Trap::Interrupt.into()))
}
