//! The registry over a slot that only remembers, and components that only have a name.

use tempfile::TempDir;

use super::*;
use crate::slot::{Allowance, Fuel, OF_A_TURN, Refusal};

const INTERFACE: &str = "loci:policy/assembly@0.1.0";

/// A place that takes everything but what says `bad`.
struct Fake(Mutex<String>);

impl Place for Fake {
    fn interface(&self) -> &'static str {
        INTERFACE
    }

    fn allowance(&self) -> Allowance {
        OF_A_TURN
    }

    fn current(&self) -> Told {
        Told { digest: lock(&self.0).clone(), name: Some("fake".to_owned()) }
    }

    fn prepare(&self, bytes: &[u8]) -> Result<Told, Refusal> {
        match bytes.ends_with(b"bad") {
            true => Err(Refusal::Description("it is bad")),
            false => Ok(Told { digest: slot::digest(bytes), name: Some("fake".to_owned()) }),
        }
    }

    fn renew(&self, bytes: &[u8]) -> Result<Told, Refusal> {
        self.prepare(bytes)
    }

    fn suffices(&self, _: &str, _: Fuel) {}

    fn put(&self, digest: &str) -> bool {
        digest.clone_into(&mut lock(&self.0));
        true
    }
}

/// A component that exports an empty interface, and differs from others by a mark.
fn component(interface: &str, mark: &str) -> Vec<u8> {
    let text = format!("(component (instance $i) (export \"{interface}\" (instance $i)))");
    let mut bytes = wat::parse_str(text).expect("a component");
    // A custom section: its length, the length of its name, its name.
    bytes.extend([0, mark.len() as u8 + 1, mark.len() as u8]);
    bytes.extend(mark.as_bytes());
    bytes
}

struct Host {
    data: TempDir,
}

impl Host {
    fn new() -> Self {
        Self { data: TempDir::new().expect("a folder") }
    }

    fn start(&self) -> Registry {
        let shipped = component(INTERFACE, "shipped");
        let place = Arc::new(Fake(Mutex::new(slot::digest(&shipped))));
        let hooks = vec![Hook::new(place, &shipped)];
        let kit = Box::new(|bytes: &[u8]| {
            let mut report = Report::new(bytes.len(), slot::digest(bytes));
            if bytes.ends_with(b"wrong") {
                report.fail_to_load(&Refusal::Description("it is wrong"));
            }
            report
        });
        Registry::open(self.data.path(), hooks, kit).expect("a registry")
    }
}

fn active(registry: &Registry) -> String {
    let digest = registry.hooks[0].place.current().digest;
    let listed = registry.list();
    let states: Vec<&str> = listed.iter().map(|row| row.state).collect();
    assert_eq!(states.iter().filter(|state| **state == "active").count(), 1, "{states:?}");
    assert_eq!(listed[0].digest, digest);
    digest
}

fn add(registry: &Registry, mark: &str) -> Row {
    let (row, is_new) = registry.add(&component(INTERFACE, mark), None).expect("added");
    assert!(is_new);
    row
}

#[test]
fn what_was_chosen_is_in_use_after_a_restart() {
    let host = Host::new();
    let registry = host.start();
    let shipped = active(&registry);
    let (one, two) = (add(&registry, "one"), add(&registry, "two"));
    assert_eq!((one.state, one.name.as_deref()), ("staged", Some("fake")));
    registry.activate(&one.digest[..8], &Thresholds::default()).expect("activated");
    registry.activate(&two.digest, &Thresholds::default()).expect("activated");
    assert_eq!(active(&registry), two.digest);

    let registry = host.start();
    assert_eq!(active(&registry), two.digest);
    assert_eq!(registry.find(&one.digest).expect("there").state, "retired");
    for expected in [&one.digest, &shipped] {
        assert_eq!(&registry.roll_back("assembly").expect("rolled back").digest, expected);
        assert_eq!(&active(&registry), expected);
    }
    assert!(matches!(registry.roll_back("assembly"), Err(Fault::NothingBefore("assembly"))));
    assert_eq!(active(&host.start()), shipped);
}

#[test]
fn the_same_component_is_kept_once() {
    let host = Host::new();
    let registry = host.start();
    let one = add(&registry, "one");
    let (again, is_new) = registry.add(&component(INTERFACE, "one"), None).expect("known");
    assert!(!is_new && again == one);
    let (shipped, is_new) = registry.add(&component(INTERFACE, "shipped"), None).expect("known");
    assert!(!is_new && shipped.is_shipped);
    assert_eq!(registry.list().len(), 2);
}

#[test]
fn what_is_refused_is_noted_and_changes_nothing() {
    let host = Host::new();
    let registry = host.start();
    let before = active(&registry);
    for (bytes, reason) in [
        (component(INTERFACE, "bad"), "it is bad"),
        (component(INTERFACE, "wrong"), "does not keep its contract: not-loaded"),
        (component("loci:policy/other@0.1.0", "x"), "exports `loci:policy/other@0.1.0`"),
        (b"\0asm\x01\0\0\0".to_vec(), "core module"),
        (b"no Wasm".to_vec(), "no WebAssembly"),
    ] {
        let fault = registry.add(&bytes, None).expect_err("refused").to_string();
        assert!(fault.contains(reason), "{fault}");
        let log = registry.log(1);
        assert_eq!(log[0]["what"], "refused", "{log}");
        assert!(log[0]["note"].as_str().is_some_and(|note| note.contains(reason)), "{log}");
    }
    assert_eq!((registry.list().len(), active(&registry)), (1, before));
}

#[test]
fn what_is_in_use_or_shipped_is_not_removed() {
    let host = Host::new();
    let registry = host.start();
    let shipped = active(&registry);
    let one = add(&registry, "one");
    registry.activate(&one.digest, &Thresholds::default()).expect("activated");
    for digest in [&one.digest, &shipped] {
        assert!(matches!(registry.remove(digest), Err(Fault::InUse(_))));
    }
    registry.activate(&shipped, &Thresholds::default()).expect("activated");
    registry.remove(&one.digest).expect("removed");
    assert!(matches!(registry.find(&one.digest), Err(Fault::NotFound(_))));
    // What was before is gone, so there is no way back to it; nothing changes then.
    assert!(registry.roll_back("assembly").is_err());
    assert_eq!(active(&host.start()), shipped);
}

#[test]
fn a_policy_whose_file_was_changed_gives_way_to_the_shipped_one() {
    let host = Host::new();
    let registry = host.start();
    let shipped = active(&registry);
    let one = add(&registry, "one");
    registry.activate(&one.digest, &Thresholds::default()).expect("activated");
    let file = host.data.path().join("policies").join(format!("{}.wasm", one.digest));
    std::fs::write(file, component(INTERFACE, "other")).expect("written");
    let registry = host.start();
    assert_eq!(active(&registry), shipped);
    assert_eq!(registry.log(1)[0]["what"], "lost");
}

#[test]
fn a_digest_may_be_shortened_but_not_too_much() {
    let host = Host::new();
    let registry = host.start();
    let digest = active(&registry);
    assert!(registry.find(&digest[..8]).is_ok());
    assert!(matches!(registry.find(&digest[..7]), Err(Fault::NotFound(_))));
    assert!(matches!(registry.roll_back("colour"), Err(Fault::NoHook { .. })));
}

fn what(registry: &Registry) -> String {
    registry.log(1)[0]["what"].as_str().expect("an event").to_owned()
}

#[test]
fn a_share_is_sticky_outlives_a_restart_and_ends_with_its_budget() {
    let host = Host::new();
    let registry = host.start();
    let shipped = active(&registry);
    let one = add(&registry, "one");
    registry.begin_canary(&one.digest, 50, 1).expect("begun");
    let share = |registry: &Registry| -> Vec<String> {
        let chosen = |session: u32| registry.choose(&session.to_string())[0].digest.clone();
        (0..100).map(|session| chosen(session).expect("nobody is set aside")).collect()
    };
    let before = share(&registry);
    assert!([&one.digest, &shipped].iter().all(|digest| before.contains(*digest)));
    assert!(matches!(registry.remove(&one.digest), Err(Fault::InUse(_))));
    let registry = Arc::new(host.start());
    assert_eq!(share(&registry), before);

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let tell = |registry: &Arc<Registry>, failed: bool| {
        runtime.block_on(async { registry.tell("assembly", &one.digest, failed) });
    };
    tell(&registry, true);
    tell(&registry, false);
    registry.close();
    // A start goes on counting.
    let registry = Arc::new(host.start());
    let canary = registry.hooks()[0]["canary"].clone();
    assert_eq!((&canary["calls"], &canary["errors"]), (&json!(2), &json!(1)), "{canary}");
    assert_eq!(what(&registry), "canary-begun");
    tell(&registry, true);
    for _ in 0..1_000 {
        if what(&registry) == "canary-ended" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(what(&registry), "canary-ended");
    assert!(share(&registry).iter().all(|digest| *digest == shipped));
    assert!(matches!(registry.end_canary_of(&one.digest), Err(Fault::NoCanary(_))));
    registry.remove(&one.digest).expect("removed");
}

#[test]
fn who_is_put_in_use_for_all_has_no_share_any_more() {
    let host = Host::new();
    let registry = host.start();
    let one = add(&registry, "one");
    registry.begin_canary(&one.digest, 1, 0).expect("begun");
    registry.activate(&one.digest, &Thresholds::default()).expect("activated");
    assert!(matches!(registry.begin_canary(&one.digest, 1, 0), Err(Fault::InUse(_))));
    assert!(lock(&registry.state).shares.is_empty());
}

#[test]
fn a_policy_that_was_not_tried_misses_every_threshold() {
    let host = Host::new();
    let registry = host.start();
    let one = add(&registry, "one");
    let required = serde_json::from_str(r#"{"turns_min":5}"#).expect("thresholds");
    assert!(matches!(registry.activate(&one.digest, &required), Err(Fault::Missed { .. })));
    let tried = Tried { turns: 5, changed: 0, refused: 0, tokens_before: 9, tokens_after: 9 };
    registry.note(&one.digest, tried).expect("noted");
    let registry = host.start();
    registry.activate(&one.digest, &required).expect("activated");
}

#[test]
fn what_becomes_of_a_failed_turn_is_said_for_each_hook() {
    let host = Host::new();
    let registry = host.start();
    assert_eq!(registry.choose("a")[0].on_failure, OnFailure::BuiltIn);
    registry.set_on_failure("assembly", OnFailure::Closed).expect("said");
    assert!(matches!(registry.set_on_failure("x", OnFailure::Closed), Err(Fault::NoHook { .. })));
    assert_eq!(host.start().choose("a")[0].on_failure, OnFailure::Closed);
}

#[test]
fn a_candidate_that_cannot_be_loaded_any_more_is_taken_back_at_start() {
    let host = Host::new();
    let registry = host.start();
    let (lost, kept) = (add(&registry, "lost"), add(&registry, "kept"));
    registry.begin_canary(&kept.digest, 10, 3).expect("begun");
    let registry = host.start();
    assert_eq!(lock(&registry.state).candidate("assembly"), Some(kept.digest.as_str()));
    registry.begin_canary(&lost.digest, 10, 3).expect("begun");
    let files = std::fs::read_dir(host.data.path().join(FOLDER)).expect("a folder");
    let of_lost = |path: &std::path::PathBuf| path.to_string_lossy().contains(&lost.digest);
    let file = files.map(|it| it.expect("a file").path()).find(of_lost).expect("its file");
    std::fs::remove_file(file).expect("removed");
    for _ in 0..2 {
        let registry = host.start();
        assert_eq!(lock(&registry.state).candidate("assembly"), None);
        assert_eq!(registry.log(1)[0]["what"], "canary-ended");
    }
}
