//! A Spin manifest of version 2 as it is written, field for field. A field that Spin does not have
//! is an error that names it; one that only Spin's other tools read is accepted and not used.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub spin_manifest_version: i64,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub trigger: Triggers,
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some fields are read only to know that they may stand there")]
pub(super) struct Application {
    pub name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    authors: Vec<String>,
    #[serde(default)]
    targets: toml::value::Array,
    #[serde(default)]
    pub trigger: toml::Table,
    #[serde(default)]
    tool: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some fields are read only to know that they may stand there")]
pub(super) struct Variable {
    #[serde(default)]
    description: String,
    #[serde(default)]
    pub required: bool,
    pub default: Option<String>,
    #[serde(default)]
    secret: bool,
}

#[derive(Default, Deserialize)]
pub(super) struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    #[serde(flatten)]
    pub other: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some fields are read only to know that they may stand there")]
pub(super) struct HttpTrigger {
    #[serde(default)]
    id: String,
    pub route: Route,
    pub component: toml::Value,
    pub components: Option<toml::Value>,
    pub dependencies: Option<toml::Value>,
    pub executor: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Route {
    Path(String),
    /// A component that only others of the application may call.
    Private {
        private: bool,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some fields are read only to know that they may stand there")]
pub(super) struct Component {
    pub source: toml::Value,
    #[serde(default)]
    description: String,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    pub files: Option<toml::Value>,
    pub exclude_files: Option<toml::Value>,
    pub allowed_http_hosts: Option<toml::Value>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    pub key_value_stores: Option<toml::Value>,
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    pub ai_models: Vec<String>,
    targets: Option<toml::Value>,
    build: Option<toml::Value>,
    #[serde(default)]
    pub tool: BTreeMap<String, toml::Table>,
    dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    pub dependencies: BTreeMap<String, toml::Value>,
    profile: Option<toml::Value>,
}

/// What Loci itself reads of a component.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    pub maintenance: Option<String>,
    #[serde(default)]
    pub dependencies: BTreeMap<String, PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what a dependency inherits matters only where it is composed")]
pub(super) struct Dependency {
    pub path: PathBuf,
    pub export: Option<String>,
    inherit_configuration: Option<toml::Value>,
}
