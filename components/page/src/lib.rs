//! Serves the web page. Its built files are part of the component, so that they are there on every
//! host, and in the one version that belongs to it.

pub mod serve;

/// The built files, as `build.mjs` lists them. Not for native tests: they need no page.
#[cfg(target_family = "wasm")]
mod site {
    include!("../../../target/page/site.rs");
}

/// The component. Not for native tests: they have no host to export to.
#[cfg(target_family = "wasm")]
#[spin_sdk::http_service]
async fn handle(request: spin_sdk::http::Request) -> serve::Response {
    serve::serve(&site::FILES, request.method(), request.uri().path(), request.headers())
}
