//! `spin:variables@3.0.0`: the application's variables, as far as a component may read them.
//!
//! A value comes from the environment (`SPIN_VARIABLE_` and the name in capitals), as on stock
//! Spin, or else from the manifest's default. All values are found once, at start.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use wasmtime::component::{Accessor, HasData, Linker};

use crate::bindings::variables::variables::{self, Error};
use crate::manifest::{App, check_variable_name};

/// The longest value of a variable, in bytes.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// The variable that holds another random name at every start of this host. By it an application
/// tells what it was doing in this run from what an earlier run left behind.
const HOST_RUN: &str = "host_run";

/// The values of all variables of an application.
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Finds the values, with `environment` to look names up in the process's environment.
    ///
    /// # Errors
    ///
    /// Fails if a required variable has no value, or a value is longer than 65,536 bytes.
    pub fn find(app: &App, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, variable) in &app.variables {
            let key = format!("SPIN_VARIABLE_{}", name.to_uppercase());
            let Some(value) = environment(&key).or_else(|| variable.default.clone()) else {
                bail!("variable `{name}` is required; set `{key}` in the environment");
            };
            ensure!(
                value.len() <= VALUE_BYTES_MAX,
                "variable `{name}` has {} bytes, and at most {VALUE_BYTES_MAX} are allowed",
                value.len()
            );
            values.insert(name.clone(), value);
        }
        if let Some(run) = values.get_mut(HOST_RUN) {
            *run = random_name()?;
        }
        Ok(Self(values))
    }

    /// Gives a variable another value.
    ///
    /// # Errors
    ///
    /// Fails if the application has no such variable.
    pub fn set(&mut self, name: &str, value: String) -> Result<()> {
        match self.0.get_mut(name) {
            Some(old) => *old = value,
            None => bail!("the application has no variable `{name}`"),
        }
        Ok(())
    }

    /// Fills in the variables of a component, which are templates: `{{ name }}` stands for the
    /// value of a variable of the application.
    ///
    /// # Errors
    ///
    /// Fails if a template is not closed, or names a variable that the application does not have.
    pub fn of_component(&self, templates: &BTreeMap<String, String>) -> Result<Ctx> {
        let mut values = HashMap::new();
        for (name, template) in templates {
            let value = self.fill(template).with_context(|| format!("in variable `{name}`"))?;
            values.insert(name.clone(), value);
        }
        Ok(Ctx { values: Arc::new(values) })
    }

    fn fill(&self, template: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((text, after)) = rest.split_once("{{") {
            filled.push_str(text);
            let Some((name, after)) = after.split_once("}}") else {
                bail!("`{{{{` is not followed by `}}}}`");
            };
            let name = name.trim();
            let Some(value) = self.0.get(name) else {
                bail!("the application has no variable `{name}`");
            };
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

fn random_name() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("this machine gives no random numbers")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The variables of one component. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    values: Arc<HashMap<String, String>>,
}

impl Ctx {
    /// What one call borrows.
    pub fn view(&mut self) -> View<'_> {
        View { ctx: self }
    }

    fn get(&self, name: &str) -> Result<String, Error> {
        if let Err(error) = check_variable_name(name) {
            return Err(Error::InvalidName(error.to_string()));
        }
        match self.values.get(name) {
            Some(value) => Ok(value.clone()),
            None => Err(Error::Undefined(format!("the component has no variable `{name}`"))),
        }
    }
}

/// What one call borrows of the store.
pub struct View<'a> {
    ctx: &'a Ctx,
}

struct Variables;

impl HasData for Variables {
    type Data<'a> = View<'a>;
}

impl variables::Host for View<'_> {}

impl<T: Send> variables::HostWithStore<T> for Variables {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut access| access.get().ctx.get(&name)))
    }
}

/// Gives a component its variables.
///
/// # Errors
///
/// Fails if the linker has the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    variables::add_to_linker::<T, Variables>(linker, view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Variable;

    fn app(variables: &[(&str, Option<&str>)]) -> App {
        let variable = |default: Option<&str>| Variable { default: default.map(str::to_owned) };
        App {
            name: "test".to_owned(),
            variables: variables.iter().map(|(n, d)| ((*n).to_owned(), variable(*d))).collect(),
            routes: Vec::new(),
            components: BTreeMap::new(),
        }
    }

    fn ctx(values: &Values, template: &str) -> Result<Ctx> {
        values.of_component(&BTreeMap::from([("v".to_owned(), template.to_owned())]))
    }

    #[test]
    fn the_environment_goes_before_the_default() {
        let app = app(&[("name", Some("Ada")), ("key", None)]);
        let environment = |key: &str| match key {
            "SPIN_VARIABLE_KEY" => Some("secret".to_owned()),
            _ => None,
        };
        let values = Values::find(&app, environment).expect("values");
        let ctx = ctx(&values, "{{ name }}: {{key}}!").expect("a template");
        assert_eq!(ctx.get("v").expect("a value"), "Ada: secret!");
        let error = Values::find(&app, |_| None).err().expect("required");
        assert!(error.to_string().contains("SPIN_VARIABLE_KEY"), "{error}");
    }

    #[test]
    fn a_component_reads_its_own_variables_only() {
        let values = Values::find(&app(&[("name", Some("Ada"))]), |_| None).expect("values");
        let ctx = ctx(&values, "{{ name }}").expect("a template");
        assert!(matches!(ctx.get("name"), Err(Error::Undefined(_))));
        assert!(matches!(ctx.get("Not a name"), Err(Error::InvalidName(_))));
    }

    #[test]
    fn a_template_that_cannot_be_filled_is_refused_at_start() {
        let values = Values::find(&app(&[("name", Some("Ada"))]), |_| None).expect("values");
        for template in ["{{ other }}", "{{ name"] {
            assert!(ctx(&values, template).is_err(), "{template}");
        }
    }

    #[test]
    fn an_argument_goes_before_both() {
        let app = app(&[("reply_tokens_max", Some(""))]);
        let mut values = Values::find(&app, |_| Some("7".to_owned())).expect("values");
        values.set("reply_tokens_max", "9".to_owned()).expect("known");
        let ctx = ctx(&values, "{{ reply_tokens_max }}").expect("a template");
        assert_eq!(ctx.get("v").expect("a value"), "9");
        assert!(values.set("other", String::new()).is_err());
    }

    #[test]
    fn every_start_has_another_name() {
        let app = app(&[("host_run", Some(""))]);
        let run = || {
            let values = Values::find(&app, |_| None).expect("values");
            ctx(&values, "{{ host_run }}").expect("a template").get("v").expect("a value")
        };
        assert_eq!(run().len(), 32);
        assert_ne!(run(), run());
    }
}
