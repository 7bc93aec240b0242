//! Reads `spin.toml` (manifest version 2): routes, components, and what each component is granted.
//!
//! What this host does not support is refused by name, never skipped: an application either runs as
//! its manifest says, or it does not start.

mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

/// The largest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// The label of the database that every host has.
pub const DEFAULT_DATABASE: &str = "default";

/// What a manifest says, with every path absolute.
#[derive(Debug)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Its variables, by name.
    pub variables: BTreeMap<String, Variable>,
    /// Its routes, in the order of the manifest, each with the name of its component.
    pub routes: Vec<(String, String)>,
    /// Its components, by name: those that a route or the host itself reaches.
    pub components: BTreeMap<String, Component>,
}

/// A variable of the application.
#[derive(Debug)]
pub struct Variable {
    /// Its value, unless the environment has another. None: the environment must have one.
    pub default: Option<String>,
}

/// A component and its grants.
#[derive(Debug)]
pub struct Component {
    /// Its Wasm file.
    pub source: PathBuf,
    /// The variables that it may read, with their templates: text with `{{ name }}` of the
    /// application's variables.
    pub variables: BTreeMap<String, String>,
    /// Its environment, all of it.
    pub environment: BTreeMap<String, String>,
    /// The labels of the databases that it may open.
    pub sqlite_databases: BTreeSet<String>,
    /// The models that it may ask through `fermyon:spin/llm`.
    pub ai_models: BTreeSet<String>,
    /// The hosts that it may reach. This host reaches none: see `serve::app`.
    pub allowed_outbound_hosts: Vec<String>,
    /// The Wasm files that implement its imports, by the name of the interface: those in
    /// `tool.loci.dependencies`, or where that is empty, those in `dependencies`.
    pub dependencies: BTreeMap<String, PathBuf>,
    /// The path that is posted to at start and from time to time, from `tool.loci`.
    pub maintenance: Option<String>,
}

impl Component {
    /// Whether it can show nothing but what it is made of.
    pub fn is_granted_nothing(&self) -> bool {
        self.variables.is_empty()
            && self.sqlite_databases.is_empty()
            && self.ai_models.is_empty()
            && self.allowed_outbound_hosts.is_empty()
            && self.dependencies.is_empty()
    }
}

/// Reads a manifest file.
///
/// # Errors
///
/// Fails if the file cannot be read, is not a Spin manifest of version 2, or asks for what this
/// host does not support.
pub fn read(path: &Path) -> Result<App> {
    let at = || format!("cannot use the manifest `{}`", path.display());
    let bytes = std::fs::metadata(path).with_context(at)?.len();
    ensure!(
        bytes <= MANIFEST_BYTES_MAX,
        "the manifest `{}` has {bytes} bytes, and at most {MANIFEST_BYTES_MAX} are read",
        path.display()
    );
    let text = std::fs::read_to_string(path).with_context(at)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, folder).with_context(at)
}

/// Finds the nearest `spin.toml` in `folder` and the folders around it.
pub fn find_upward(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join("spin.toml")).find(|path| path.is_file())
}

/// Reads the text of a manifest whose paths are relative to `folder`.
fn parse(text: &str, folder: &Path) -> Result<App> {
    let manifest: schema::Manifest = toml::from_str(text)?;
    ensure!(
        manifest.spin_manifest_version == 2,
        "`spin_manifest_version` is {}, and 2 is the one that is supported",
        manifest.spin_manifest_version
    );
    refuse_tables("application.trigger", &manifest.application.trigger)?;
    let mut variables = BTreeMap::new();
    for (name, variable) in manifest.variables {
        check_variable_name(&name)?;
        variables.insert(name.clone(), read_variable(&name, variable)?);
    }
    let mut components = BTreeMap::new();
    for (name, component) in manifest.component {
        let read =
            read_component(component, folder).with_context(|| format!("in component `{name}`"))?;
        components.insert(name, read);
    }
    let routes = read_routes(manifest.trigger, &components)?;
    Ok(App { name: manifest.application.name, variables, routes, components })
}

/// Fails unless `name` is a name that Spin allows for a variable.
///
/// # Errors
///
/// Names the name, and says what would be right.
pub fn check_variable_name(name: &str) -> Result<()> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let right = name.bytes().all(|byte| letter(byte) || byte == b'_')
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && name.bytes().last().is_some_and(letter)
        && !name.contains("__");
    ensure!(
        right,
        "`{name}` is no name of a variable: lower-case letters, digits and single underscores, \
         a letter first and no underscore last"
    );
    Ok(())
}

fn read_variable(name: &str, variable: schema::Variable) -> Result<Variable> {
    ensure!(
        variable.required != variable.default.is_some(),
        "variable `{name}` needs either `required = true` or a `default`"
    );
    Ok(Variable { default: variable.default })
}

fn read_routes(
    triggers: schema::Triggers,
    components: &BTreeMap<String, Component>,
) -> Result<Vec<(String, String)>> {
    if let Some(kind) = triggers.other.keys().next() {
        bail!("the trigger `{kind}` is not supported, only `http` is");
    }
    let mut routes: Vec<(String, String)> = Vec::new();
    for trigger in triggers.http {
        let route = match trigger.route {
            schema::Route::Path(route) => route,
            schema::Route::Private { private: true } => continue,
            schema::Route::Private { private: false } => {
                bail!("`route` is a path or `{{ private = true }}`")
            }
        };
        let toml::Value::String(component) = trigger.component else {
            bail!("route `{route}` defines its component in place, and only names are supported");
        };
        refuse_value(&format!("executor` of route `{route}"), trigger.executor.as_ref())?;
        refuse_value(&format!("components` of route `{route}"), trigger.components.as_ref())?;
        refuse_value(&format!("dependencies` of route `{route}"), trigger.dependencies.as_ref())?;
        ensure!(route.starts_with('/'), "route `{route}` does not begin with `/`");
        ensure!(
            components.contains_key(&component),
            "route `{route}` names the component `{component}`, which the manifest does not have"
        );
        ensure!(!routes.iter().any(|(other, _)| *other == route), "route `{route}` occurs twice");
        routes.push((route, component));
    }
    ensure!(!routes.is_empty(), "there is no `[[trigger.http]]` with a route");
    Ok(routes)
}

fn read_component(component: schema::Component, folder: &Path) -> Result<Component> {
    let toml::Value::String(source) = component.source else {
        bail!("`source` is no path of a file, and nothing is downloaded");
    };
    for (field, value) in [
        ("files", &component.files),
        ("exclude_files", &component.exclude_files),
        ("key_value_stores", &component.key_value_stores),
        ("allowed_http_hosts", &component.allowed_http_hosts),
    ] {
        refuse_value(field, value.as_ref())?;
    }
    for variable in component.variables.keys() {
        check_variable_name(variable)?;
    }
    if let Some(label) = component.sqlite_databases.iter().find(|label| *label != DEFAULT_DATABASE)
    {
        bail!("database `{label}` is not supported, only `{DEFAULT_DATABASE}` is");
    }
    let tool = component.tool.get("loci").map(read_tool).transpose()?.unwrap_or_default();
    let dependencies = read_dependencies(component.dependencies, tool.dependencies, folder)?;
    Ok(Component {
        source: folder.join(source),
        variables: component.variables,
        environment: component.environment,
        sqlite_databases: component.sqlite_databases.into_iter().collect(),
        ai_models: component.ai_models.into_iter().collect(),
        allowed_outbound_hosts: component.allowed_outbound_hosts,
        dependencies,
        maintenance: tool.maintenance,
    })
}

fn read_tool(tool: &toml::Table) -> Result<schema::Tool> {
    let tool: schema::Tool = tool.clone().try_into().context("in `tool.loci`")?;
    if let Some(path) = &tool.maintenance {
        ensure!(path.starts_with('/'), "`tool.loci.maintenance` does not begin with `/`");
    }
    Ok(tool)
}

/// Finds the file of every interface that the component imports from another one.
///
/// Spin takes one file for all interfaces of a package; this host has a slot for each interface. So
/// `tool.loci.dependencies` names the file of each, and an entry of Spin's `dependencies` must
/// either name an interface, or a package with interfaces there.
fn read_dependencies(
    composed: BTreeMap<String, toml::Value>,
    separate: BTreeMap<String, PathBuf>,
    folder: &Path,
) -> Result<BTreeMap<String, PathBuf>> {
    let package = |name: &str| name.split(['/', '@']).next().unwrap_or_default().to_owned();
    let packages: BTreeSet<String> = separate.keys().map(|name| package(name)).collect();
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (name, dependency) in composed {
        let path = read_dependency(&name, dependency)?;
        if packages.contains(&package(&name)) {
            continue;
        }
        ensure!(
            name.contains('/'),
            "dependency `{name}` is a whole package; name the file of each of its interfaces in \
             `tool.loci.dependencies`"
        );
        files.insert(name, folder.join(path));
    }
    files.extend(separate.into_iter().map(|(name, path)| (name, folder.join(path))));
    Ok(files)
}

/// Checks one entry of Spin's `dependencies` and returns its path.
fn read_dependency(name: &str, dependency: toml::Value) -> Result<PathBuf> {
    match dependency {
        toml::Value::Table(table) if table.contains_key("path") => {
            let dependency: schema::Dependency =
                table.try_into().with_context(|| format!("in dependency `{name}`"))?;
            ensure!(
                dependency.export.as_deref().is_none_or(|export| export == name),
                "dependency `{name}` has another name in `export`, which is not supported"
            );
            Ok(dependency.path)
        }
        _ => bail!(
            "dependency `{name}` has no `path`: nothing is downloaded, and no other component of \
             the application is used"
        ),
    }
}

/// Refuses a field of the manifest that has something in it.
fn refuse_value(field: &str, value: Option<&toml::Value>) -> Result<()> {
    let empty = match value {
        None => true,
        Some(toml::Value::Array(values)) => values.is_empty(),
        Some(toml::Value::Table(values)) => values.is_empty(),
        Some(_) => false,
    };
    ensure!(empty, "`{field}` is not supported by this host");
    Ok(())
}

fn refuse_tables(field: &str, tables: &toml::Table) -> Result<()> {
    match tables.keys().next() {
        Some(name) => bail!("`{field}.{name}` is not supported by this host"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
