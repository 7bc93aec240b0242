//! What the vector index held is saved, and taken in again by the next run.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use loci_tests::server::Server;
use serde_json::{Value, json};

use crate::recall::search;
use crate::support::server;

/// What each part of a snapshot begins with.
const MAGIC: &[u8] = b"locivecs";
/// Turns, each of two messages: enough for a snapshot.
const TURNS: usize = 280;
/// How often the server is killed.
const KILLS: usize = 5;
/// What is said about a snapshot that cannot be used.
const UNUSABLE: &str = "a snapshot of the vector index cannot be used";

/// Where snapshots stand in the files of the server.
fn saved(server: &Server) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(server.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let places = bytes.windows(MAGIC.len()).enumerate();
            let places = places.filter(|(_, window)| *window == MAGIC);
            found.extend(places.map(|(place, _)| (path.clone(), place)));
        }
    }
    found
}

fn restart(server: &mut Server) {
    server.terminate().unwrap();
    server.restart().unwrap();
}

#[test]
fn kill_9_while_an_index_is_saved_loses_and_resurrects_nothing() {
    let mut server = server();
    let session = server.client().create_session("killed").unwrap();
    let violin = |number: usize| format!("Violin {number} is in the blue cupboard.");
    let filler = |number: usize| format!("Filler {number} about the harbour.");
    let texts = (0..KILLS).map(violin).chain((0..2 * TURNS).map(filler));
    let messages: Vec<Value> =
        texts.map(|content| json!({ "role": "user", "content": content })).collect();
    let path = format!("/api/v1/sessions/{session}/messages/import");
    for some in messages.chunks(200) {
        let body = json!({ "messages": some });
        server.client().post(&path, &body).unwrap().expect(201).unwrap();
    }
    server.client().wait_until_indexed(&session).unwrap();
    let violins = |server: &Server| -> Vec<(u64, String)> {
        let mut found: Vec<(u64, String)> = search(&server.client(), &session, "violin")
            .iter()
            .filter(|memory| memory["content"].as_str().unwrap().starts_with("Violin"))
            .map(|memory| {
                let content = memory["content"].as_str().unwrap().to_owned();
                (memory["message_id"].as_u64().unwrap(), content)
            })
            .collect();
        found.sort_unstable();
        found
    };
    let mut expected = violins(&server);
    assert_eq!(expected.len(), KILLS);
    for round in 0..KILLS {
        // The first search takes the index in, and has it saved.
        restart(&mut server);
        assert_eq!(violins(&server), expected, "round {round}");
        let (gone, _) = expected.remove(0);
        let memory = format!("/api/v1/sessions/{session}/memories/{gone}");
        server.client().delete(&memory).unwrap().expect(204).unwrap();
        sleep(Duration::from_millis(7 * round as u64));
        server.kill().unwrap();
        server.restart().unwrap();
        assert_eq!(violins(&server), expected, "round {round}, after kill -9");
    }
}

#[test]
fn an_index_is_taken_in_from_a_snapshot_unless_it_is_damaged() {
    let mut server = server();
    let session = server.client().create_session("long").unwrap();
    server.client().say(&session, "The violin is in the blue cupboard.").unwrap();
    server.client().say(&session, "The violin was tuned on Tuesday.").unwrap();
    for turn in 0..TURNS {
        server.client().say(&session, &format!("Filler {turn} about the harbour.")).unwrap();
    }
    let messages = server.client().wait_until_indexed(&session).unwrap();
    assert!(saved(&server).is_empty());
    let [cupboard, tuned] = [&messages[0]["id"], &messages[2]["id"]];
    let finds = |server: &Server| {
        let found = search(&server.client(), &session, "violin");
        let has = |id: &Value| found.iter().any(|memory| memory["message_id"] == *id);
        [has(cupboard), has(tuned)]
    };

    // An empty index reads row by row, and is saved then.
    restart(&mut server);
    assert_eq!(finds(&server), [true, true]);
    let began = Instant::now();
    while saved(&server).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing was saved");
        sleep(Duration::from_millis(50));
    }
    sleep(Duration::from_secs(1));

    // What is deleted afterwards does not come back with it.
    let path = format!("/api/v1/sessions/{session}/memories/{cupboard}");
    server.client().delete(&path).unwrap().expect(204).unwrap();
    restart(&mut server);
    assert_eq!(finds(&server), [false, true]);
    assert!(!server.log().contains(UNUSABLE), "{}", server.log());

    server.terminate().unwrap();
    let places = saved(&server);
    assert!(!places.is_empty());
    for (path, place) in places {
        let mut bytes = fs::read(&path).unwrap();
        bytes[place + 100] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    server.restart().unwrap();
    assert_eq!(finds(&server), [false, true]);
    assert!(server.log().contains(UNUSABLE), "{}", server.log());
}
