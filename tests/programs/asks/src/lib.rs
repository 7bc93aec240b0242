//! The default layout, by a program that was built as any other is, for WASI, and asks for whatever
//! a program can ask for. What it was told stands in front of the message, in every prompt.

#[path = "../../../../components/prompt-assembly/src/assemble.rs"]
mod assemble;

use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

use assembly::{Anchor, Description, Error, Layout, Part, Plan, Request, Words};
pub use bindings::exports::loci::policy::{assembly, types};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/policy",
        world: "prompt-assembly",
        additional_derives: [PartialEq],
    });
}

/// The most parts that a plan may have.
const PARTS_MAX: usize = 1_024;

/// What it asks for, and whether there was anything.
const ASKED: [(&str, fn() -> bool); 5] = [
    ("environment", || env::vars().next().is_some() || env::args().next().is_some()),
    ("files", || {
        fs::read_dir("/").is_ok()
            || fs::read("/etc/hostname").is_ok()
            || fs::write("a", "b").is_ok()
    }),
    ("network", || {
        let named = "localhost:80".to_socket_addrs();
        named.is_ok_and(|mut found| found.next().is_some())
            || TcpStream::connect("127.0.0.1:80").is_ok()
            || UdpSocket::bind("127.0.0.1:0").is_ok()
    }),
    ("time", || {
        let begun = Instant::now();
        // No time passes, so this waits for none.
        thread::sleep(Duration::from_secs(3_600));
        begun.elapsed() > Duration::ZERO || SystemTime::now() != SystemTime::UNIX_EPOCH
    }),
    ("input", || {
        println!("to whoever reads this");
        eprintln!("and this");
        std::io::stdin().read_to_end(&mut Vec::new()).is_ok_and(|bytes| bytes > 0)
    }),
];

/// The digits of a random number.
const DIGITS: usize = 16;

struct Policy;

impl assembly::Guest for Policy {
    fn describe() -> Description {
        let mut description = assemble::describe();
        for (what, _) in ASKED {
            description.literals.push(format!("{what}: nothing\n"));
            description.literals.push(format!("{what}: something\n"));
        }
        description.literals.extend((0..DIGITS).map(|digit| format!("{digit:x}")));
        description
    }

    fn assemble(request: Request) -> Result<Plan, Error> {
        let mut plan = assemble::assemble(&request)?;
        let Layout::Chat(messages) = &mut plan.layout else { return Ok(plan) };
        let told = told();
        let parts: usize = messages.iter().map(|message| message.parts.len()).sum();
        if let Some(last) = messages.last_mut().filter(|_| parts + told.len() <= PARTS_MAX) {
            last.parts.splice(0..0, told);
        }
        Ok(plan)
    }
}

/// What it was told, in words that it declared.
fn told() -> Vec<Part> {
    let first = assemble::describe().literals.len();
    let word = |at: usize| {
        Part::Words(Words { literal: (first + at) as u32, anchor: Anchor::Always })
    };
    let asked = ASKED.iter().enumerate().map(|(at, (_, ask))| word(2 * at + usize::from(ask())));
    let number: u64 = RandomState::new().hash_one(0_u8);
    let digit = |place: usize| (number >> (4 * place)) as usize % DIGITS;
    asked.chain((0..DIGITS).map(|place| word(2 * ASKED.len() + digit(place)))).collect()
}

bindings::export!(Policy with_types_in bindings);
