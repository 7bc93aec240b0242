//! What only Loci's own host answers.

use super::Operation;
use super::Sent::{self, Wasm};
use super::Told::{self, Json};
use super::entry::plain;
use super::parameters::{LOG_LIMIT, NAME};

/// All of it, in the order in which people read it.
pub const BY_HOST: &[Operation] = &[
    plain(
        "GET",
        "/api/v1/llm/config",
        "get_config",
        "Show how the model answers",
        &[(200, Json("Config"))],
        &[501],
    )
    .by_host(),
    plain(
        "PUT",
        "/api/v1/llm/config",
        "set_config",
        "Change how the model answers",
        &[(200, Json("Config"))],
        &[400, 403, 413, 415, 501],
    )
    .sent(Sent::Json("NewConfig"))
    .by_host(),
    plain(
        "GET",
        "/api/v1/llm/models",
        "list_model_files",
        "List the models that could chat",
        &[(200, Json("ModelFiles"))],
        &[501],
    )
    .by_host(),
    plain(
        "GET",
        "/api/v1/llm/models/{name}",
        "get_model_file",
        "Show a model that could chat",
        &[(200, Json("ModelFile"))],
        &[404, 501],
    )
    .by_host(),
    plain(
        "POST",
        "/api/v1/llm/load",
        "load_model",
        "Have another model chat",
        &[(200, Json("Loading")), (202, Json("Loading"))],
        &[400, 403, 404, 413, 415, 501],
    )
    .sent(Sent::Json("Load"))
    .by_host(),
    plain(
        "GET",
        "/api/v1/policies",
        "list_policies",
        "List the policies",
        &[(200, Json("Policies"))],
        &[501],
    )
    .by_host(),
    plain(
        "POST",
        "/api/v1/policies",
        "add_policy",
        "Add a policy",
        &[(200, Json("Policy")), (201, Json("Policy"))],
        &[400, 403, 409, 413, 415, 501],
    )
    .with(&[NAME])
    .sent(Wasm)
    .by_host(),
    plain(
        "GET",
        "/api/v1/policies/log",
        "policy_log",
        "Tell what was done with policies",
        &[(200, Json("PolicyLog"))],
        &[400, 403, 501],
    )
    .with(&[LOG_LIMIT])
    .by_host(),
    plain(
        "POST",
        "/api/v1/policies/rollback",
        "roll_back_policy",
        "Put the policy in use that was before",
        &[(200, Json("Policy"))],
        &[400, 403, 409, 413, 415, 501],
    )
    .sent(Sent::Json("RollBack"))
    .by_host(),
    plain(
        "GET",
        "/api/v1/policies/{digest}",
        "get_policy",
        "Tell about a policy",
        &[(200, Json("Policy"))],
        &[403, 404, 409, 501],
    )
    .by_host(),
    plain(
        "DELETE",
        "/api/v1/policies/{digest}",
        "remove_policy",
        "Remove a policy that is not in use",
        &[(204, Told::Nothing)],
        &[403, 404, 409, 501],
    )
    .by_host(),
    plain(
        "POST",
        "/api/v1/policies/{digest}/activate",
        "activate_policy",
        "Put a policy in use",
        &[(200, Json("Policy"))],
        &[400, 403, 404, 409, 413, 415, 501],
    )
    .sent(Sent::Json("Activation"))
    .by_host(),
    plain(
        "PUT",
        "/api/v1/policies/{digest}/canary",
        "begin_canary",
        "Give a policy a share of the sessions",
        &[(200, Json("Policy"))],
        &[400, 403, 404, 409, 413, 415, 501],
    )
    .sent(Sent::Json("Canary"))
    .by_host(),
    plain(
        "DELETE",
        "/api/v1/policies/{digest}/canary",
        "end_canary",
        "Take a policy back from its share",
        &[(200, Json("Policy"))],
        &[403, 404, 409, 501],
    )
    .by_host(),
    plain(
        "PUT",
        "/api/v1/policies/hooks/{interface}",
        "set_hook",
        "Say what becomes of a turn whose policy fails",
        &[(200, Json("Hook"))],
        &[400, 403, 413, 415, 501],
    )
    .sent(Sent::Json("HookSetting"))
    .by_host(),
];
