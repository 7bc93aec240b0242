//! What Loci's own host takes and tells.

use serde_json::{Value, json};

use super::{object, objects, options, or_null, strict, text, text_or_null, whole, whole_or_null};

/// The hooks, as people call them.
const HOOKS: [&str; 6] =
    ["assembly", "truncation", "ranking", "condensation", "extraction", "chunking"];

/// These schemas, by name.
pub(super) fn schemas() -> Value {
    let policy = json!({
        "digest": text(), "interface": { "enum": HOOKS }, "name": text_or_null(), "state": text(),
        "source": { "enum": ["shipped", "uploaded"] }, "added_at": text_or_null(),
        "activated_at": text_or_null(), "enough": { "type": ["object", "null"] },
        "tried": { "type": ["object", "null"] },
    });
    let required = json!({
        "turns_min": whole_or_null(0, u32::MAX),
        "changed_percent_max": whole_or_null(0, u32::MAX),
        "refused_max": whole_or_null(0, u32::MAX),
        "tokens_percent_max": whole_or_null(0, u32::MAX),
    });
    let canary = json!({
        "percent": { "type": "integer", "minimum": 1, "maximum": 100 },
        "errors_max": { "type": "integer", "minimum": 0, "maximum": 1_000 },
    });
    let on_failure = json!({ "enum": ["built-in", "closed", "reload"] });
    let hook = json!({
        "interface": { "enum": HOOKS }, "active": text(), "on_failure": on_failure,
        "canary": { "type": ["object", "null"] }, "set_aside": { "type": "boolean" },
        "previous": text_or_null(), "shipped": text(),
    });
    json!({
        "Config": { "type": "object" },
        "NewConfig": new_config(),
        "ModelFile": object(json!({ "name": text(), "source": text() }), &["name", "source"]),
        "ModelFiles": object(json!({ "models": objects(), "folder": text() }), &["models"]),
        "Load": strict(json!({ "model": text() }), &["model"]),
        "Loading": object(json!({ "model": text(), "status": text() }), &["model", "status"]),
        "Policy": object(policy, &["digest", "interface", "state"]),
        "Policies": object(json!({ "policies": objects() }), &["policies", "hooks"]),
        "PolicyLog": object(json!({ "events": objects() }), &["events"]),
        "RollBack": strict(json!({ "interface": { "enum": HOOKS } }), &["interface"]),
        "Activation": strict(json!({ "require": or_null(strict(required, &[])) }), &[]),
        "Canary": strict(canary, &["percent"]),
        "HookSetting": strict(json!({ "on_failure": on_failure }), &["on_failure"]),
        "Hook": object(hook, &["interface", "active", "on_failure"]),
    })
}

/// How the model answers where a message does not say; `null` takes a setting back.
fn new_config() -> Value {
    let mut fields = options();
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("response_format");
        fields.remove("stream");
        // An empty list is none, as `null` is.
        fields["stop"]["anyOf"][1]["minItems"] = whole()["minimum"].clone();
    }
    strict(fields, &[])
}
