//! Posts that come at once are answered one after the other.

use std::sync::Barrier;

use serde_json::Value;

use crate::support::server;

const POSTS: usize = 8;

#[test]
fn posts_to_one_session_at_once_are_answered_in_order() {
    let server = server();
    let client = server.client();
    let session = client.create_session("queue").unwrap();
    let start = Barrier::new(POSTS);
    std::thread::scope(|scope| {
        for post in 0..POSTS {
            let (client, session, start) = (client.clone(), &session, &start);
            scope.spawn(move || {
                start.wait();
                client.say(session, &format!("Post number {post}.")).unwrap();
            });
        }
    });

    let messages = client.messages(&session).unwrap();
    let roles: Vec<&str> = messages.iter().filter_map(|m| m["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant"].repeat(POSTS));
    // The user messages stand in the order in which they were stored.
    let users: Vec<u64> = ids(&messages, "user");
    assert!(users.is_sorted(), "{users:?}");

    // Each prompt holds exactly the turns before it.
    let replies = messages.iter().filter(|m| m["role"] == "assistant");
    let said: Vec<&str> = messages
        .iter()
        .filter(|m| m["role"] == "user")
        .filter_map(|m| m["content"].as_str())
        .collect();
    for (turn, reply) in replies.enumerate() {
        let prompt = client.prompt(&session, reply).unwrap();
        for (other, text) in said.iter().enumerate() {
            let times = prompt.matches(text).count();
            assert_eq!(times, usize::from(other <= turn), "`{text}` in turn {turn}:\n{prompt}");
        }
    }
}

#[test]
fn sessions_do_not_wait_for_each_other() {
    let server = server();
    let client = server.client();
    std::thread::scope(|scope| {
        for worker in 0..16 {
            let client = client.clone();
            scope.spawn(move || {
                let session = client.create_session(&format!("worker {worker}")).unwrap();
                for turn in 0..4 {
                    client.say(&session, &format!("Turn {turn} of worker {worker}.")).unwrap();
                }
                assert_eq!(client.messages(&session).unwrap().len(), 8);
            });
        }
    });
}

fn ids(messages: &[Value], role: &str) -> Vec<u64> {
    messages.iter().filter(|m| m["role"] == role).filter_map(|m| m["id"].as_u64()).collect()
}
