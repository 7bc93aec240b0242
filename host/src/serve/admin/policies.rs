//! The policies: which there are, adding one, and putting one in use while the application serves.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::shown;
use super::{Call, Endpoint, Refusal, Reply};
use crate::policies::{ERRORS_MAX, Fault, NAME_BYTES_MAX, Registry, Row, Thresholds};
use crate::slot::POLICY_BYTES_MAX;

/// What a component is sent as.
const WASM: &str = "application/wasm";

/// The events of the log that are shown where nobody asks for another number, and the most.
const EVENTS: usize = 100;
const EVENTS_MAX: usize = 1_000;

/// The failed calls that a candidate may have where nobody says otherwise.
const ERRORS: u32 = 3;

/// The endpoints below `/api/v1/policies`.
pub fn endpoints(registry: Arc<Registry>) -> Vec<Endpoint> {
    let with = |answer: fn(&Registry, &Call) -> Result<Reply, Refusal>| {
        let registry = Arc::clone(&registry);
        move |call| blocking(Arc::clone(&registry), call, answer)
    };
    let one = "/api/v1/policies/:digest";
    // One byte more than a policy may have, so that the refusal can say so.
    let body_max = POLICY_BYTES_MAX as u64 + 1;
    vec![
        Endpoint::new(Method::GET, "/api/v1/policies", with(list)).for_all(),
        Endpoint::new(Method::POST, "/api/v1/policies", with(add)).body_max(body_max),
        Endpoint::new(Method::GET, "/api/v1/policies/log", with(log)),
        Endpoint::new(Method::POST, "/api/v1/policies/rollback", with(roll_back)),
        Endpoint::new(Method::GET, one, with(info)),
        Endpoint::new(Method::DELETE, one, with(remove)),
        Endpoint::new(Method::POST, "/api/v1/policies/:digest/activate", with(activate)),
        Endpoint::new(Method::PUT, "/api/v1/policies/:digest/canary", with(begin_canary)),
        Endpoint::new(Method::DELETE, "/api/v1/policies/:digest/canary", with(end_canary)),
        Endpoint::new(Method::PUT, "/api/v1/policies/hooks/:interface", with(set_hook)),
    ]
}

/// Answers on a thread that may wait for the disk and for the compiler.
async fn blocking(
    registry: Arc<Registry>,
    call: Call,
    answer: fn(&Registry, &Call) -> Result<Reply, Refusal>,
) -> Result<Reply, Refusal> {
    let answered = tokio::task::spawn_blocking(move || answer(&registry, &call)).await;
    answered.unwrap_or_else(|error| Err(Refusal::internal("the request broke down", error)))
}

fn list(registry: &Registry, _: &Call) -> Result<Reply, Refusal> {
    let rows: Vec<Value> = registry.list().iter().map(to_json).collect();
    Ok(Reply::ok(json!({
        "policies": rows,
        "hooks": registry.hooks(),
        "under_way": registry.under_way(),
    })))
}

fn add(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    let bytes = call.bytes(WASM)?;
    let name = call.parameter("name");
    if let Some(name) = &name
        && (name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control))
    {
        let message = format!("`name` must have 1 to {NAME_BYTES_MAX} bytes of readable text");
        return Err(Refusal::invalid(Some("name"), message));
    }
    let (row, is_new) = registry.add(bytes, name.as_deref())?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Reply { status, body: to_json(&row) })
}

fn info(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    let row = registry.find(call.name("digest"))?;
    let mut body = to_json(&row);
    let events = registry.log(EVENTS_MAX);
    let events = events.as_array().into_iter().flatten();
    body["log"] = events.filter(|event| event["digest"] == row.digest).cloned().collect();
    Ok(Reply::ok(body))
}

fn remove(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    registry.remove(call.name("digest"))?;
    Ok(Reply { status: StatusCode::NO_CONTENT, body: Value::Null })
}

fn activate(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    let body = fields(call, &["require"])?;
    let required = match body.get("require") {
        None | Some(Value::Null) => Thresholds::default(),
        Some(required) => serde_json::from_value(required.clone()).map_err(|error| {
            Refusal::invalid(Some("require"), format!("`require` cannot be read: {error}"))
        })?,
    };
    Ok(Reply::ok(to_json(&registry.activate(call.name("digest"), &required)?)))
}

fn begin_canary(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    let body = fields(call, &["percent", "errors_max"])?;
    let number = |name: &'static str, range: std::ops::RangeInclusive<u32>| {
        let value = body.get(name).and_then(Value::as_u64);
        let value = value.and_then(|value| u32::try_from(value).ok());
        value.filter(|value| range.contains(value)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            let message = format!("`{name}` must be a whole number from {least} to {most}");
            Refusal::invalid(Some(name), message)
        })
    };
    let percent = number("percent", 1..=100)?;
    let errors_max = match body.contains_key("errors_max") {
        true => number("errors_max", 0..=ERRORS_MAX)?,
        false => ERRORS,
    };
    let row = registry.begin_canary(call.name("digest"), percent, errors_max)?;
    Ok(Reply::ok(to_json(&row)))
}

fn end_canary(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(to_json(&registry.end_canary_of(call.name("digest"))?)))
}

fn set_hook(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    let body = fields(call, &["on_failure"])?;
    let on_failure = body.get("on_failure").cloned().unwrap_or_default();
    let on_failure = serde_json::from_value(on_failure).map_err(|_| {
        let message = "`on_failure` must be `built-in`, `closed` or `reload`";
        Refusal::invalid(Some("on_failure"), message)
    })?;
    let interface = call.name("interface");
    registry.set_on_failure(interface, on_failure)?;
    let hooks = registry.hooks();
    let hook = hooks.into_iter().find(|hook| hook["interface"] == interface);
    Ok(Reply::ok(hook.unwrap_or_default()))
}

fn roll_back(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    let body = fields(call, &["interface"])?;
    let Some(interface) = body.get("interface").and_then(Value::as_str) else {
        let message = "`interface` must name a hook, as in `assembly`";
        return Err(Refusal::invalid(Some("interface"), message));
    };
    Ok(Reply::ok(to_json(&registry.roll_back(interface)?)))
}

fn log(registry: &Registry, call: &Call) -> Result<Reply, Refusal> {
    let most = match call.parameter("limit") {
        None => EVENTS,
        Some(text) => {
            let limit = text.parse().ok().filter(|limit| (1..=EVENTS_MAX).contains(limit));
            limit.ok_or_else(|| {
                let message = format!("`limit` must be a whole number from 1 to {EVENTS_MAX}");
                Refusal::invalid(Some("limit"), message)
            })?
        }
    };
    Ok(Reply::ok(json!({ "events": registry.log(most) })))
}

/// The body, if it has no other fields than these.
fn fields(call: &Call, known: &[&str]) -> Result<serde_json::Map<String, Value>, Refusal> {
    let body = call.object()?;
    match body.keys().find(|field| !known.contains(&field.as_str())) {
        Some(field) => {
            Err(Refusal::invalid(None, format!("there is no field `{}` here", shown(field))))
        }
        None => Ok(body),
    }
}

fn to_json(row: &Row) -> Value {
    json!({
        "digest": row.digest,
        "interface": row.interface,
        "name": row.name,
        "state": row.state,
        "source": if row.is_shipped { "shipped" } else { "uploaded" },
        "added_at": row.added_at,
        "activated_at": row.activated_at,
        "enough": row.enough,
        "tried": row.tried,
    })
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, message.clone());
        match fault {
            Fault::Refused(crate::slot::Refusal::TooLarge { .. }) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "policy_too_large", message)
            }
            Fault::Refused(_) | Fault::NotOneInterface { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "policy_refused", message)
            }
            Fault::BreaksContract(_) => {
                Self::new(StatusCode::BAD_REQUEST, "policy_breaks_contract", message)
            }
            Fault::NotFound(_) => Self::not_found("policy_not_found", message),
            Fault::Ambiguous(_) => conflict("digest_ambiguous"),
            Fault::NoCanary(_) => conflict("no_canary"),
            Fault::Missed { .. } => conflict("threshold_missed"),
            Fault::NoHook { .. } | Fault::NotChosen(_) => Self::invalid(Some("interface"), message),
            Fault::NothingBefore(_) => conflict("nothing_before"),
            Fault::InUse(_) => conflict("policy_in_use"),
            Fault::TooMany => conflict("too_many_policies"),
            Fault::Broken(error) => {
                Self::internal("the policies could not be changed", format_args!("{error:#}"))
            }
        }
    }
}
