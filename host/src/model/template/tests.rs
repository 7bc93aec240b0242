//! Every file `golden/NAME.jinja` is a template as models carry it; `NAME.txt` beside it is what it
//! writes around some sequences of roles. `BLESS=1` writes those files anew.

use std::path::Path;

use super::*;

/// 12 March 2026.
const DAY: i64 = 20_524;

/// `sua` is system, user, assistant.
fn roles(letters: &str) -> Vec<Role> {
    let role = |letter| match letter {
        's' => Role::System,
        'u' => Role::User,
        _ => Role::Assistant,
    };
    letters.chars().map(role).collect()
}

/// What the template writes, with the number of each content in braces.
fn written(template: &ChatTemplate, letters: &str) -> String {
    match template.literals(&roles(letters), DAY) {
        Ok(literals) => {
            let parts = literals.iter().enumerate().map(|(index, literal)| {
                let mark = if index < letters.len() {
                    format!("{{{}}}", index + 1)
                } else {
                    String::new()
                };
                format!("{literal}{mark}")
            });
            parts.collect()
        }
        Err(error) => error.to_string(),
    }
}

fn all_written(source: Option<&str>) -> String {
    let template = ChatTemplate::new(source, "<s>", "</s>").expect("it compiles");
    let cases = ["u", "su", "suau", "uauau", "uu", "ssuuaau", "au", "s"];
    let texts = cases.iter().map(|case| format!("== {case}\n{}\n", written(&template, case)));
    texts.collect()
}

#[test]
fn the_templates_of_well_known_models_write_what_they_wrote() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/template/golden");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_none_or(|extension| extension != "jinja") {
            continue;
        }
        seen += 1;
        let source = std::fs::read_to_string(&path).expect("a text");
        let text = all_written(Some(&source));
        let expected = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &text).expect("it can be written");
        }
        let expected = std::fs::read_to_string(expected).unwrap_or_default();
        assert_eq!(text, expected, "{}", path.display());
    }
    assert!(seen >= 8, "only {seen} templates were found");
}

#[test]
fn a_template_may_begin_a_thought() {
    let opens = |source: &str| ChatTemplate::new(Some(source), "", "").unwrap().opens_thought();
    assert!(opens("{{ messages[0].content }}<|Assistant|><think>\n"));
    assert!(!opens("{{ messages[0].content }}<|Assistant|><think>\n\n</think>\n\n"));
    assert!(!opens(super::CHATML) && !opens("no message"));
}

#[test]
fn a_model_without_a_template_speaks_chatml() {
    assert_eq!(
        written(&ChatTemplate::new(None, "", "").expect("it compiles"), "su"),
        "<|im_start|>system\n{1}<|im_end|>\n<|im_start|>user\n{2}<|im_end|>\n\
         <|im_start|>assistant\n"
    );
}

#[test]
fn contents_never_pass_through_the_template() {
    // A template that writes its contents twice, or backwards, or not at all, cannot be used.
    for source in [
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
        "{% for m in messages[::-1] %}{{ m.content }}{% endfor %}",
        "{{ messages[0].content }}",
    ] {
        let template = ChatTemplate::new(Some(source), "", "").expect("it compiles");
        assert!(template.literals(&roles("ua"), DAY).is_err(), "{source}");
    }
}

#[test]
fn a_template_that_does_not_end_is_stopped() {
    let source = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    let template = ChatTemplate::new(Some(source), "", "").expect("it compiles");
    assert!(template.literals(&roles("u"), DAY).is_err());
}

#[test]
fn a_broken_template_is_told_with_its_reason() {
    let error = ChatTemplate::new(Some("{% for %}"), "", "").err().expect("it does not compile");
    assert!(error.contains("the chat template cannot be compiled"), "{error}");
}

#[test]
fn dates_are_those_of_the_calendar() {
    let format = "%a %A %d %e %m %b %B %y %Y %H:%M %%";
    assert_eq!(date(0, format), "Thu Thursday 01  1 01 Jan January 70 1970 00:00 %");
    assert_eq!(date(DAY, "%d %b %Y, %A"), "12 Mar 2026, Thursday");
    assert_eq!(date(19_782, "%Y-%m-%d"), "2024-02-29");
    assert_eq!(date(-1, "%Y-%m-%d"), "1969-12-31");
}
