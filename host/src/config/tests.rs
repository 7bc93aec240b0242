//! Settings: what can be said, and where.

use clap::CommandFactory as _;

use super::*;

fn parse(arguments: &[&str]) -> ServeArguments {
    let all = ["loci", "serve"].iter().chain(arguments);
    match Arguments::try_parse_from(all).expect("arguments").command {
        Command::Serve(serve) => *serve,
        other => panic!("this is {other:?}"),
    }
}

#[test]
fn everything_can_be_left_out() {
    let serve = parse(&[]);
    assert_eq!(serve.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(serve.data, PathBuf::from(".loci"));
    assert!(serve.model.is_none() && serve.app.is_none() && serve.context_tokens.is_none());
}

#[test]
fn what_cannot_be_is_refused() {
    for wrong in [["--listen", "localhost"], ["--context-tokens", "0"], ["--colour", "red"]] {
        let all = ["loci", "serve"].iter().chain(&wrong);
        assert!(Arguments::try_parse_from(all).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_model_that_is_named_must_exist() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::create_dir_all(folder.join("models")).expect("a folder");
    std::fs::write(folder.join("spin.toml"), "").expect("a file");
    let (data, app) = (folder.join("data"), folder.join("spin.toml"));
    let given = ["--data", data.to_str().expect("text"), "--app", app.to_str().expect("text")];
    assert!(parse(&given).complete().expect("a configuration").model.is_none());
    std::fs::write(folder.join(DEFAULT_MODEL), "").expect("a file");
    let model = parse(&given).complete().expect("a configuration").model.expect("a model");
    assert!(model.ends_with(DEFAULT_MODEL) && model.is_absolute());
    let mut other = given.to_vec();
    other.extend(["--model", "no-such.gguf"]);
    let error = parse(&other).complete().expect_err("refused").to_string();
    assert!(error.contains("`no-such.gguf`"), "{error}");
}

/// What `loci serve` takes, but for `--help`.
fn settings() -> Vec<clap::Arg> {
    let program = Arguments::command();
    let serve = program.find_subcommand("serve").expect("a command");
    let all = serve.get_arguments().filter(|it| it.get_long().is_some_and(|it| it != "help"));
    all.cloned().collect()
}

#[test]
fn every_setting_has_a_variable_of_the_same_name() {
    for setting in settings() {
        let name = setting.get_long().expect("a name");
        let variable = format!("LOCI_{}", name.to_uppercase().replace('-', "_"));
        assert_eq!(setting.get_env().and_then(|it| it.to_str()), Some(&*variable), "{name}");
    }
}

#[test]
fn the_table_of_the_readme_has_every_setting_and_no_other() {
    let readme = include_str!("../../../README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `--"));
    let first = |row: &str| row.split('|').nth(1).unwrap_or_default().to_owned();
    let told: Vec<String> = rows
        .flat_map(|row| first(row).split('`').map(str::to_owned).collect::<Vec<_>>())
        .filter(|part| part.starts_with("--"))
        .collect();
    let named = |setting: &clap::Arg| {
        let name = setting.get_long().unwrap_or_default();
        let takes = setting.get_value_names().filter(|_| setting.get_action().takes_values());
        let value = takes.and_then(|names| names.first()).map(|name| format!(" {name}"));
        format!("--{name}{}", value.unwrap_or_default())
    };
    let mut there: Vec<String> = settings().iter().map(named).collect();
    let mut told = told;
    there.sort();
    told.sort();
    assert_eq!(told, there);
}

/// The arguments that a file with this text adds to these.
fn completed(text: &str, given: &[&str]) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("loci.toml");
    std::fs::write(&path, text).expect("written");
    let mut all: Vec<std::ffi::OsString> = vec!["loci".into(), "serve".into()];
    all.extend(given.iter().map(Into::into));
    all.extend(["--config".into(), path.into()]);
    let before = all.len();
    let all = file::complete(all)?.split_off(before);
    Ok(all.into_iter().map(|it| it.into_string().expect("text")).collect())
}

#[test]
fn a_file_says_what_nobody_else_says() {
    let text = "listen = \"127.0.0.1:1\"\nslots = 3\nrequire-keys = true\n";
    let all = ["--listen=127.0.0.1:1", "--require-keys", "--slots=3"];
    let mut added = completed(text, &[]).expect("settings");
    added.sort();
    assert_eq!(added, all);
    let mut added = completed(text, &["--slots", "4"]).expect("settings");
    added.sort();
    assert_eq!(added, all[..2]);
    assert!(completed("require-keys = false", &[]).expect("settings").is_empty());
    // What excludes a setting of the file goes in its place, and what needs one finds it.
    let model = "model = \"a.gguf\"";
    let instead = ["--model-url", "http://h:1", "--model-name", "n"];
    assert!(completed(model, &instead).expect("settings").is_empty());
    let url = "model-url = \"http://h:1\"";
    assert_eq!(completed(url, &["--model-name", "n"]).expect("settings").len(), 1);
    // Other commands have no file.
    let other = ["loci", "keys", "list"].map(std::ffi::OsString::from).to_vec();
    assert_eq!(file::complete(other.clone()).expect("nothing to do"), other);
}

#[test]
fn what_is_wrong_in_a_file_is_told_by_name() {
    for (text, named) in [
        ("colour = \"red\"", "`colour`"),
        ("config = \"b.toml\"", "`config`"),
        ("slots = [1]", "`slots`"),
        ("require-keys = \"yes\"", "`require-keys`"),
        ("slots", "is no TOML"),
    ] {
        let error = completed(text, &[]).expect_err("refused");
        assert!(format!("{error:#}").contains(named), "{error:#}");
    }
}
