//! The page in a real Chromium, against real servers. What is tried there stands in
//! `components/page/tests`.

use std::process::{Command, Stdio};

use loci_tests::server::{Server, repository};
use loci_tests::stand_in::{Answer, MODEL, StandIn};

use crate::support::{server, slow_model};

/// The browser: Debian's, or the one that `CHROMIUM` names.
fn browser() -> String {
    let path = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let version = Command::new(&path).arg("--version").stdout(Stdio::null()).status();
    assert!(
        version.is_ok_and(|status| status.success()),
        "`{path}` is no Chromium; `cargo xtask test` installs Debian's package `chromium`, and \
         the variable `CHROMIUM` names another one"
    );
    path
}

#[test]
fn the_page_does_what_it_should_in_a_real_browser() {
    let browser = browser();
    let quick = server();
    // Whoever wants to stop a reply must find it unfinished, on a fast machine too.
    let long = ["--model", slow_model(), "--reply-tokens", "7000"];
    let slow = Server::start(&long).expect("the server starts");
    let thoughtful =
        StandIn::start(|_| Answer::thinks("The window is wet, so it rains.", "Yes, it is."))
            .expect("the model's server starts");
    let thinking = ["--model-url", &thoughtful.url(), "--model-name", MODEL];
    let thinking = Server::start(&thinking).expect("the server starts");
    let status = Command::new("node")
        .args(["node_modules/@playwright/test/cli.js", "test"])
        .current_dir(repository().join("components/page"))
        .env("CHROMIUM", browser)
        .env("LOCI_URL", quick.address())
        .env("LOCI_SLOW_URL", slow.address())
        .env("LOCI_THINKING_URL", thinking.address())
        .stdin(Stdio::null())
        .status()
        .expect("`node` can be started; `cargo xtask test` installs it");
    assert!(status.success(), "the tests of the page failed ({status}); they are told above");
}
