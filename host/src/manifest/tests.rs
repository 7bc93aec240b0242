use super::*;

/// A manifest with these lines in its component, which every route leads to.
fn with_component(lines: &str) -> String {
    format!(
        r#"
spin_manifest_version = 2
[application]
name = "test"
version = "0.1.0"
[variables]
name = {{ default = "Ada" }}
key = {{ required = true, secret = true }}
[[trigger.http]]
route = "/..."
component = "api"
[component.api]
source = "target/api.wasm"
{lines}
"#
    )
}

fn refusal(text: &str) -> String {
    let error = parse(text, Path::new("/app")).expect_err("refused");
    format!("{error:#}")
}

#[test]
fn a_manifest_becomes_grants_and_absolute_paths() {
    let text = with_component(
        r#"
sqlite_databases = ["default"]
ai_models = ["m"]
allowed_outbound_hosts = ["http://127.0.0.1:11434"]
environment = { A = "b" }
variables = { greeting = "Hello {{ name }}" }
[component.api.build]
command = "cargo xtask build"
[component.api.tool.loci]
maintenance = "/api/v1/maintenance"
[component.api.tool.loci.dependencies]
"loci:policy/assembly@0.1.0" = "a.wasm"
"loci:policy/ranking@0.1.0" = "r.wasm"
[component.api.dependencies]
"loci:policy@0.1.0" = { path = "together.wasm" }
"loci:inference/chat@0.1.0" = { path = "c.wasm", inherit_configuration = ["variables"] }
"#,
    );
    let app = parse(&text, Path::new("/app")).expect("a valid manifest");
    assert_eq!(app.name, "test");
    assert_eq!(app.routes, [("/...".to_owned(), "api".to_owned())]);
    assert_eq!(app.variables["name"].default.as_deref(), Some("Ada"));
    assert!(app.variables["key"].default.is_none());
    let api = &app.components["api"];
    assert_eq!(api.source, Path::new("/app/target/api.wasm"));
    assert!(api.sqlite_databases.contains("default"));
    assert!(api.ai_models.contains("m"));
    assert_eq!(api.environment["A"], "b");
    assert_eq!(api.variables["greeting"], "Hello {{ name }}");
    assert_eq!(api.maintenance.as_deref(), Some("/api/v1/maintenance"));
    assert_eq!(api.dependencies["loci:policy/assembly@0.1.0"], Path::new("/app/a.wasm"));
    assert_eq!(api.dependencies["loci:inference/chat@0.1.0"], Path::new("/app/c.wasm"));
    assert_eq!(api.dependencies.len(), 3);
}

#[test]
fn nothing_is_granted_that_is_not_written() {
    let app = parse(&with_component(""), Path::new("/app")).expect("a valid manifest");
    let api = &app.components["api"];
    assert!(api.sqlite_databases.is_empty() && api.ai_models.is_empty());
    assert!(api.environment.is_empty() && api.variables.is_empty());
    assert!(api.allowed_outbound_hosts.is_empty() && api.dependencies.is_empty());
    assert!(api.maintenance.is_none());
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (lines, name) in [
        (r#"files = ["assets/*"]"#, "`files`"),
        (r#"key_value_stores = ["default"]"#, "`key_value_stores`"),
        (r#"sqlite_databases = ["default", "archive"]"#, "`archive`"),
        (r#"surprise = 1"#, "`surprise`"),
        (r#"variables = { Upper = "x" }"#, "`Upper`"),
        ("[component.api.tool.loci]\nmaintain = \"/x\"", "`maintain`"),
        ("[component.api.dependencies]\n\"a:b/c@1.0.0\" = \">=1\"", "`a:b/c@1.0.0`"),
        ("[component.api.dependencies]\n\"a:b/c\" = { path = \"x\", export = \"d:e/f\" }", "a:b/c"),
        ("[component.api.dependencies]\n\"a:b@1.0.0\" = { path = \"x\" }", "`a:b@1.0.0`"),
        ("[[trigger.redis]]\nchannel = \"c\"\ncomponent = \"api\"", "`redis`"),
        ("[application.trigger.http]\nbase = \"/x\"", "`application.trigger.http`"),
        ("[[trigger.http]]\nroute = \"/x\"\ncomponent = \"page\"", "`page`"),
        ("[[trigger.http]]\nroute = \"x\"\ncomponent = \"api\"", "`x`"),
        ("[[trigger.http]]\nroute = \"/...\"\ncomponent = \"api\"", "twice"),
        ("[variables.loose]\nrequired = false", "`loose`"),
    ] {
        let error = refusal(&with_component(lines));
        assert!(error.contains(name), "{lines}\n{error}");
    }
    let other =
        with_component("").replace("spin_manifest_version = 2", "spin_manifest_version = 1");
    assert!(refusal(&other).contains("is 1"));
    let remote =
        with_component("").replace("\"target/api.wasm\"", "{ url = \"u\", digest = \"d\" }");
    assert!(refusal(&remote).contains("`source`"));
}

#[test]
fn a_private_route_is_not_reachable() {
    let text = with_component("[[trigger.http]]\nroute = { private = true }\ncomponent = \"api\"");
    let app = parse(&text, Path::new("/app")).expect("a valid manifest");
    assert_eq!(app.routes.len(), 1);
}

#[test]
fn names_of_variables_are_those_of_spin() {
    for right in ["a", "a1", "host_run", "a_b_c2"] {
        assert!(check_variable_name(right).is_ok(), "{right}");
    }
    for wrong in ["", "1a", "_a", "a_", "a__b", "A", "a-b", "ä"] {
        assert!(check_variable_name(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn single_files_take_the_place_of_those_that_spin_composes() {
    let text = with_component(
        "[component.api.dependencies]\n\"a:b@1.0.0\" = { path = \"all.wasm\" }\n\
         [component.api.tool.loci.dependencies]\n\"a:b/c@1.0.0\" = \"c.wasm\"",
    );
    let app = parse(&text, Path::new("/app")).expect("it is a manifest");
    let dependencies: Vec<_> = app.components["api"].dependencies.iter().collect();
    assert_eq!(dependencies, [(&"a:b/c@1.0.0".to_string(), &PathBuf::from("/app/c.wasm"))]);
}

#[test]
fn the_manifest_of_the_repository_is_supported() {
    let app = read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../spin.toml"))).expect("read");
    let api = &app.components["api"];
    assert!(api.maintenance.is_some());
    assert!(api.dependencies.contains_key("loci:policy/assembly@0.1.0"));
}
