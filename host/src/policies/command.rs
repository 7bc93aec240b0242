//! `loci policy`: the policies of a running server, over its API. What needs no server is
//! handed on.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::server::Server;
use super::told::{difference, event, info, rows, shadow, summary, text};
use super::watch;
use crate::authoring;
use crate::config::{PolicyArguments, PolicyCommand, PolicyTask};
use crate::kit;
use crate::slot::POLICY_BYTES_MAX;

/// Does what the arguments say, and tells it on the standard output. Blocks.
///
/// # Errors
///
/// Fails if the server cannot be reached, or says no.
pub fn run(arguments: PolicyArguments) -> Result<()> {
    let command = match arguments.command {
        PolicyTask::New(new) => return authoring::new(&new),
        PolicyTask::Pack(pack) => return authoring::pack(&pack),
        PolicyTask::Check(check) => return kit::command::run(&check, arguments.json),
        PolicyTask::Server(command) => command,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::new(&arguments.server)?;
        let (answer, told) = ask(&server, command).await?;
        match arguments.json {
            true => println!("{}", serde_json::to_string_pretty(&answer)?),
            false => told.iter().for_each(|line| println!("{line}")),
        }
        // A script asks by the exit status.
        ensure!(answer["identical"] != false, "the prompt is not the same");
        Ok(())
    })
}

/// What the server answers, as it came and as people read it.
async fn ask(server: &Server, command: PolicyCommand) -> Result<(Value, Vec<String>)> {
    let one = |answer: Value| {
        let told = vec![summary(&answer)];
        (answer, told)
    };
    Ok(match command {
        PolicyCommand::List => {
            let answer = server.send(Method::GET, "/policies", None).await?;
            let told = rows(&answer["policies"]).map(summary).collect();
            (answer, told)
        }
        PolicyCommand::Add { file, name, activate } => {
            one(add(server, &file, name, activate).await?)
        }
        PolicyCommand::Activate { digest, require } => {
            one(activate(server, &digest, json!({ "require": require })).await?)
        }
        PolicyCommand::Rollback { interface } => {
            let body = json!({ "interface": interface });
            one(server.send(Method::POST, "/policies/rollback", Some(body)).await?)
        }
        PolicyCommand::Canary { digest, percent, errors_max } => {
            one(canary(server, &digest, percent, errors_max).await?)
        }
        PolicyCommand::Shadow { digest, turns, session } => {
            let body = json!({ "turns": turns, "session_id": session });
            let path = format!("/policies/{digest}/shadow");
            let answer = server.send(Method::POST, &path, Some(body)).await?;
            let told = shadow(&answer);
            (answer, told)
        }
        PolicyCommand::OnFailure { interface, what } => {
            let path = format!("/policies/hooks/{interface}");
            let body = json!({ "on_failure": what });
            let answer = server.send(Method::PUT, &path, Some(body)).await?;
            let told = vec![format!("{interface}: {}", text(&answer["on_failure"]))];
            (answer, told)
        }
        PolicyCommand::Info { digest } => {
            let answer = server.send(Method::GET, &format!("/policies/{digest}"), None).await?;
            let told = info(&answer);
            (answer, told)
        }
        PolicyCommand::Remove { digest } => {
            let answer = server.send(Method::DELETE, &format!("/policies/{digest}"), None).await?;
            (answer, vec![format!("Removed `{digest}`")])
        }
        PolicyCommand::Replay { file } => replay(server, &file).await?,
        PolicyCommand::Watch { folder } => match watch::watch(server, &folder).await? {},
        PolicyCommand::Log => {
            let answer = server.send(Method::GET, "/policies/log", None).await?;
            let told = rows(&answer["events"]).map(event).collect();
            (answer, told)
        }
    })
}

/// Has the server take a component, and put it in use if that is wanted.
async fn add(server: &Server, file: &Path, name: Option<String>, at_once: bool) -> Result<Value> {
    let bytes = tokio::fs::read(file).await;
    let bytes = bytes.with_context(|| format!("cannot read `{}`", file.display()))?;
    ensure!(
        bytes.len() <= POLICY_BYTES_MAX,
        "`{}` has {} bytes, and a policy has at most {POLICY_BYTES_MAX}",
        file.display(),
        bytes.len()
    );
    let answer = server.add(bytes, name).await?;
    match at_once {
        true => activate(server, text(&answer["digest"]), json!({})).await,
        false => Ok(answer),
    }
}

/// Has the server give a policy a share of the sessions, or take it back.
async fn canary(
    server: &Server,
    digest: &str,
    percent: u32,
    errors_max: Option<u32>,
) -> Result<Value> {
    let path = format!("/policies/{digest}/canary");
    if percent == 0 {
        return server.send(Method::DELETE, &path, None).await;
    }
    let mut body = json!({ "percent": percent });
    if let Some(errors_max) = errors_max {
        body["errors_max"] = json!(errors_max);
    }
    server.send(Method::PUT, &path, Some(body)).await
}

/// Has the server put a policy in use.
pub async fn activate(server: &Server, digest: &str, body: Value) -> Result<Value> {
    server.send(Method::POST, &format!("/policies/{digest}/activate"), Some(body)).await
}

/// Has the server put the prompt of an exported receipt together again.
async fn replay(server: &Server, file: &Path) -> Result<(Value, Vec<String>)> {
    let bytes = tokio::fs::read(file).await;
    let bytes = bytes.with_context(|| format!("cannot read `{}`", file.display()))?;
    let receipt: Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("`{}` is no exported receipt: it is not JSON", file.display()))?;
    let answer = server.send(Method::POST, "/receipts/replay", Some(receipt)).await?;
    let sha256 = text(&answer["prompt_sha256"]);
    let told = match answer["identical"] == true {
        true => vec![format!("identical: {} tokens, {sha256}", answer["prompt_tokens"])],
        false => {
            let reason = format!("different: {}", text(&answer["reason"]));
            std::iter::once(reason).chain(difference(&answer["difference"])).collect()
        }
    };
    Ok((answer, told))
}
