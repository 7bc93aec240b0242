//! The description as a page for people: no script, and nothing from elsewhere.

use super::{Answerer, Kind, Operation, Sent, Told, operations, schemas};

/// The colours are those of the whole page, its ground and links among them; on a phone a long path
/// is broken rather than the page made wider.
const STYLE: &str = ":root{color-scheme:light dark;background:Canvas;color:CanvasText}body{\
font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
overflow-wrap:anywhere}a{color:LinkText}\
code,pre{font-family:ui-monospace,monospace}\
details{border-bottom:1px solid #8884;padding:.4rem 0}summary{cursor:pointer}\
summary code{font-weight:600}pre{overflow-x:auto;background:#8881;padding:.6rem}\
b{display:inline-block;min-width:4.5rem}dt{margin-top:.4rem}";

/// The page.
pub fn page() -> String {
    let entries: String = operations().map(entry).collect();
    let all = schemas::all();
    let schemas: String = all
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let text = escape(&serde_json::to_string_pretty(schema).unwrap_or_default());
            format!(
                "<details id=\"{name}\"><summary><code>{name}</code></summary>\
                 <pre>{text}</pre></details>"
            )
        })
        .collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Loci: the API</title>\
         <style>{STYLE}</style></head><body><main><h1>The API of Loci</h1>\
         <p>The same as <a href=\"/openapi.json\">openapi.json</a>. An error is always \
         <a href=\"#Error\"><code>Error</code></a>. Where the server wants a key, send \
         <code>authorization: Bearer KEY</code>.</p>{entries}<h2>What is sent and told</h2>\
         {schemas}</main></body></html>"
    )
}

fn entry(operation: &Operation) -> String {
    let Operation { method, path, summary, .. } = operation;
    let mut about = String::new();
    if operation.by == Answerer::Host {
        about.push_str("<p>Answered by Loci's own host; elsewhere by 501.</p>");
    }
    if !operation.query.is_empty() {
        let rows = operation.query.iter().map(|parameter| {
            let range = match parameter.kind {
                Kind::Number(least, most) => format!(" ({least} to {most})"),
                Kind::Text | Kind::Flag => String::new(),
                Kind::Line(most) => format!(" (at most {most} bytes)"),
                Kind::Header => " (a header)".to_owned(),
            };
            format!("<dt><code>{}</code>{range}</dt><dd>{}</dd>", parameter.name, parameter.about)
        });
        about.push_str(&format!("<dl>{}</dl>", rows.collect::<String>()));
    }
    let sent = match operation.body {
        Sent::Nothing => String::new(),
        Sent::Json(name) => format!("<p>Sent: {}.</p>", link(name)),
        Sent::Files => {
            format!("<p>Sent: {} as <code>multipart/form-data</code>.</p>", link("Files"))
        }
        Sent::Wasm => "<p>Sent: a component, as <code>application/wasm</code>.</p>".to_owned(),
    };
    about.push_str(&sent);
    for (status, told) in operation.answers {
        let what = match told {
            Told::Nothing => "nothing".to_owned(),
            Told::Json(name) => link(name),
            Told::List(name) => format!("a list of {}", link(name)),
            Told::Events => "a stream of events".to_owned(),
            Told::JsonOrEvents(name) => {
                format!("{}, or a stream of events if that was asked for", link(name))
            }
            Told::JsonOrLines(name) => format!("{}, or lines of JSON", link(name)),
            Told::Html => "a page".to_owned(),
        };
        about.push_str(&format!("<p><code>{status}</code>: {what}.</p>"));
    }
    let errors: Vec<String> = operation.errors.iter().map(u16::to_string).collect();
    if !errors.is_empty() {
        about.push_str(&format!("<p>Errors: <code>{}</code>.</p>", errors.join(", ")));
    }
    format!(
        "<details><summary><b>{method}</b><code>{path}</code> {summary}</summary>{about}</details>"
    )
}

fn link(name: &str) -> String {
    format!("<a href=\"#{name}\"><code>{name}</code></a>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
