//! `loci policy`: the policies of a running server, over its API. What needs no server is
//! handed on.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::server::Server;
use crate::authoring;
use crate::config::{PolicyArguments, PolicyCommand, PolicyTask};
use crate::kit;
use crate::slot::POLICY_BYTES_MAX;

/// The characters of a digest that are shown in a list.
const DIGEST_SHOWN: usize = 12;

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
    Ok(match command {
        PolicyCommand::List => {
            let answer = server.send(Method::GET, "/policies", None).await?;
            let told = rows(&answer["policies"]).map(summary).collect();
            (answer, told)
        }
        PolicyCommand::Add { file, name, activate } => {
            let bytes = tokio::fs::read(&file).await;
            let bytes = bytes.with_context(|| format!("cannot read `{}`", file.display()))?;
            ensure!(
                bytes.len() <= POLICY_BYTES_MAX,
                "`{}` has {} bytes, and a policy has at most {POLICY_BYTES_MAX}",
                file.display(),
                bytes.len()
            );
            let mut answer = server.add(bytes, name).await?;
            if activate {
                answer = server.activate(text(&answer["digest"])).await?;
            }
            let told = vec![summary(&answer)];
            (answer, told)
        }
        PolicyCommand::Activate { digest } => {
            let answer = server.activate(&digest).await?;
            let told = vec![summary(&answer)];
            (answer, told)
        }
        PolicyCommand::Rollback { interface } => {
            let body = json!({ "interface": interface });
            let answer = server.send(Method::POST, "/policies/rollback", Some(body)).await?;
            let told = vec![summary(&answer)];
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
        PolicyCommand::Log => {
            let answer = server.send(Method::GET, "/policies/log", None).await?;
            let told = rows(&answer["events"]).map(event).collect();
            (answer, told)
        }
    })
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

/// A difference of two prompts, line by line.
fn difference(hunks: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for hunk in rows(hunks) {
        told.push(format!("@@ line {}", hunk["line"]));
        told.extend(rows(&hunk["removed"]).map(|line| format!("-{}", text(line))));
        told.extend(rows(&hunk["added"]).map(|line| format!("+{}", text(line))));
    }
    told
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn short(digest: &Value) -> &str {
    let digest = text(digest);
    digest.get(..DIGEST_SHOWN).unwrap_or(digest)
}

/// A policy on one line.
fn summary(row: &Value) -> String {
    let [interface, state, source] = ["interface", "state", "source"].map(|key| text(&row[key]));
    let name = row["name"].as_str().unwrap_or("-");
    format!("{}  {interface:12}  {state:8}  {source:8}  {name}", short(&row["digest"]))
}

/// A policy and its events.
fn info(row: &Value) -> Vec<String> {
    let keys = ["digest", "interface", "name", "state", "source", "added_at", "activated_at"];
    let told = keys.iter().filter_map(|key| Some(format!("{key:13} {}", row[*key].as_str()?)));
    told.chain(rows(&row["log"]).map(event)).collect()
}

fn event(event: &Value) -> String {
    let [at, what, interface] = ["at", "what", "interface"].map(|key| text(&event[key]));
    let more: Vec<&str> = ["name", "note"].iter().filter_map(|key| event[*key].as_str()).collect();
    let more = more.join("  ");
    let line = format!("{at}  {what:11}  {interface:12}  {}  {more}", short(&event["digest"]));
    line.trim_end().to_owned()
}
