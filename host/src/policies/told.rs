//! What a server answers, as people read it: line by line.

use serde_json::Value;

/// The characters of a digest that are shown in a list.
const DIGEST_SHOWN: usize = 12;

/// A difference of two prompts, line by line.
pub fn difference(hunks: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for hunk in rows(hunks) {
        told.push(format!("@@ line {}", hunk["line"]));
        told.extend(rows(&hunk["removed"]).map(|line| format!("-{}", text(line))));
        told.extend(rows(&hunk["added"]).map(|line| format!("+{}", text(line))));
    }
    told
}

/// The elements of a list; none of anything else.
pub fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A text; empty for anything else.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn short(digest: &Value) -> &str {
    let digest = text(digest);
    digest.get(..DIGEST_SHOWN).unwrap_or(digest)
}

/// A policy on one line.
pub fn summary(row: &Value) -> String {
    let [interface, state, source] = ["interface", "state", "source"].map(|key| text(&row[key]));
    let name = row["name"].as_str().unwrap_or("-");
    format!("{}  {interface:12}  {state:8}  {source:8}  {name}", short(&row["digest"]))
}

/// A policy and its events.
pub fn info(row: &Value) -> Vec<String> {
    let keys = ["digest", "interface", "name", "state", "source", "added_at", "activated_at"];
    let told = keys.iter().filter_map(|key| Some(format!("{key:13} {}", row[*key].as_str()?)));
    let enough = row["enough"].as_object().map(|enough| {
        let [fuel, per_byte] = ["fuel", "fuel_per_byte"].map(|key| &enough[key]);
        format!("fuel          {fuel}, and {per_byte} for each byte of a request")
    });
    told.chain(enough).chain(rows(&row["log"]).map(event)).collect()
}

/// An event on one line.
pub fn event(event: &Value) -> String {
    let [at, what, interface] = ["at", "what", "interface"].map(|key| text(&event[key]));
    let more = event["note"].as_str().or(event["name"].as_str()).unwrap_or_default();
    let line = format!("{at}  {what:11}  {interface:12}  {}  {more}", short(&event["digest"]));
    line.trim_end().to_owned()
}

/// How a candidate did on turns of the past.
pub fn shadow(report: &Value) -> Vec<String> {
    let count = |key: &str| report[key].as_u64().unwrap_or(0);
    let pair = |key: &str| format!("{} -> {}", report[key]["before"], report[key]["after"]);
    let passages = &report["passages"];
    let mut told = vec![
        format!("turns             {}", count("turns")),
        format!("changed           {}", count("changed")),
        format!("refused           {}", count("refused")),
        format!(
            "passages          {} kept, {} lost, {} gained",
            passages["kept"], passages["lost"], passages["gained"]
        ),
        format!("prompt tokens     {}", pair("prompt_tokens")),
        format!("reusable tokens   {}", pair("reusable_tokens")),
        format!("fuel              {}", pair("fuel")),
    ];
    for (reason, turns) in report["skipped"].as_object().into_iter().flatten() {
        told.push(format!("skipped           {turns}: {reason}"));
    }
    for example in rows(&report["examples"]) {
        let tokens = &example["prompt_tokens"];
        let what = match example["refused"].as_str() {
            Some(reason) => format!("refused: {reason}"),
            None => format!("{} -> {} tokens", tokens["before"], tokens["after"]),
        };
        let [session, message] = ["session_id", "message_id"].map(|key| &example[key]);
        told.push(format!("\nsession {} message {message}: {what}", text(session)));
        told.extend(difference(&example["difference"]));
    }
    told
}
