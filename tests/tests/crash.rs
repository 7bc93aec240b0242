//! `kill -9` at random moments: what was acknowledged is there, is indexed, and is indexed once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loci_tests::client::Client;
use serde_json::json;

use crate::support::server;

const KILLS: u64 = 12;
const WRITERS: usize = 4;

/// What clients were told is stored: session id to the texts of its user messages.
type Acknowledged = Mutex<BTreeMap<String, BTreeSet<String>>>;

#[test]
fn every_acknowledged_message_survives_kill_9_and_is_indexed_once() {
    let mut server = server();
    let acknowledged: Acknowledged = Mutex::default();
    let mut delays = Delays(0x9e37_79b9_7f4a_7c15);
    for round in 0..KILLS {
        let client = server.client();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (client, acknowledged, stop) = (client.clone(), &acknowledged, &stop);
                scope.spawn(move || write(&client, round, writer, acknowledged, stop));
            }
            std::thread::sleep(delays.next());
            server.kill().unwrap();
            stop.store(true, Ordering::Relaxed);
        });
        server.restart().unwrap();
    }

    let client = server.client();
    let acknowledged = acknowledged.into_inner().unwrap();
    let total: usize = acknowledged.values().map(BTreeSet::len).sum();
    assert!(total > 0, "no message was acknowledged in {KILLS} rounds");
    for (session, texts) in &acknowledged {
        check_session(&client, session, texts);
    }
}

/// Posts until the server dies, noting each message once the server says that it is stored.
fn write(
    client: &Client,
    round: u64,
    writer: usize,
    acknowledged: &Acknowledged,
    stop: &AtomicBool,
) {
    let Ok(session) = client.create_session(&format!("round {round} writer {writer}")) else {
        return;
    };
    acknowledged.lock().unwrap().entry(session.clone()).or_default();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let text = format!("Message {number} of writer {writer} in round {round}.");
        let body = json!({ "role": "user", "content": text, "max_tokens": 4 });
        let Ok(mut events) = client.stream(&session, &body) else { return };
        match events.next() {
            Some(Ok(event)) if event.name == "message.start" => {
                acknowledged.lock().unwrap().entry(session.clone()).or_default().insert(text);
            }
            _ => return,
        }
        if events.any(|event| event.is_err()) {
            return;
        }
    }
}

fn check_session(client: &Client, session: &str, texts: &BTreeSet<String>) {
    let messages = client.wait_until_indexed(session).unwrap();
    let stored: BTreeSet<&str> = messages
        .iter()
        .filter(|message| message["role"] == "user")
        .filter_map(|message| message["content"].as_str())
        .collect();
    for text in texts {
        assert!(stored.contains(text.as_str()), "lost after its acknowledgement: {text}");
    }
    for message in messages.iter().filter(|message| message["role"] == "user") {
        assert_eq!(message["is_embedded"], true, "never indexed: {message}");
    }

    let path = format!("/api/v1/sessions/{session}/memories?limit=1000");
    let memories = client.get(&path).unwrap().expect(200).unwrap();
    let mut seen = BTreeSet::new();
    for memory in memories.as_array().unwrap() {
        assert!(seen.insert(memory["message_id"].as_u64()), "indexed twice: {memory}");
    }

    // The session goes on at once: a turn that died does not block it.
    let began = Instant::now();
    client.say(session, "And now?").unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "a dead turn blocked its session");
}

/// Reproducible delays from 20 to 520 ms (xorshift64).
struct Delays(u64);

impl Delays {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(20 + self.0 % 500)
    }
}
