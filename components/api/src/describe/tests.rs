//! The description says what the routes do.

use std::collections::BTreeSet;

use super::*;
use crate::http::route::route;

/// The path of an entry, as somebody would ask for it.
fn example(path: &str) -> String {
    names(path).fold(path.to_owned(), |path, name| path.replace(&format!("{{{name}}}"), "7"))
}

#[test]
fn every_entry_is_answered_as_what_it_says() {
    for operation in operations() {
        let found = route(operation.method, &example(operation.path), "");
        match (operation.by, found) {
            (Answerer::Application, Ok(found)) => assert_eq!(name(&found), operation.name),
            (Answerer::Host, Err(error)) => assert_eq!(error.status, 501, "{}", operation.name),
            (_, found) => panic!("{}: {found:?}", operation.name),
        }
    }
}

#[test]
fn every_entry_has_a_name_and_a_place_of_its_own() {
    let names: BTreeSet<_> = operations().map(|it| it.name).collect();
    let places: BTreeSet<_> = operations().map(|it| (it.method, it.path)).collect();
    assert_eq!((names.len(), places.len()), (operations().count(), operations().count()));
    for operation in operations() {
        assert!(!operation.summary.ends_with('.'), "{}", operation.summary);
    }
}

#[test]
fn what_the_document_refers_to_is_there() {
    let document = openapi();
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap_or_default();
        assert!(document["components"]["schemas"][name].is_object(), "no schema `{name}`");
    }
    assert_eq!(document["openapi"], "3.1.0");
    let say = &document["paths"]["/api/v1/sessions/{id}/messages"]["post"];
    assert!(say["responses"]["201"]["content"]["application/json"].is_object(), "{say:#}");
    assert_eq!(say["parameters"][0]["name"], "id");
}

#[test]
fn the_page_has_everything_and_nothing_from_elsewhere() {
    let page = page();
    for operation in operations() {
        assert!(page.contains(operation.path) && page.contains(operation.summary));
    }
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"));
}
