//! Telling source code from prose, and cutting it where its author would.

use crate::builder::Builder;
use crate::extraction::Error;
use crate::types::BlockKind;

/// Lines that are looked at.
const PROBE_LINES: usize = 400;

/// Beginnings of lines that programs have and texts do not.
const BEGINNINGS: [&str; 40] = [
    "#include",
    "#define",
    "#ifdef",
    "#!/",
    "import ",
    "from ",
    "use ",
    "using ",
    "package ",
    "fn ",
    "pub ",
    "def ",
    "class ",
    "func ",
    "function ",
    "const ",
    "let ",
    "var ",
    "static ",
    "struct ",
    "enum ",
    "impl ",
    "type ",
    "interface ",
    "public ",
    "private ",
    "return ",
    "return;",
    "if (",
    "for (",
    "while (",
    "else",
    "} else",
    "@",
    "//",
    "/*",
    "<?php",
    "SELECT ",
    "CREATE ",
    "INSERT ",
];

/// Whether a text is source code or configuration.
pub fn is_code(text: &str) -> bool {
    if text.starts_with("#!/") || text.starts_with("<?php") || text.starts_with("<?xml") {
        return true;
    }
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty()).take(PROBE_LINES).collect();
    let marked = lines.iter().filter(|line| is_marked(line)).count();
    // Letters begin with "From " and "Use "; programs end lines with what no sentence ends with.
    let ended = lines.iter().filter(|line| ends_like_code(line)).count();
    lines.len() >= 2 && ended >= 1 && (marked + ended) * 10 >= lines.len() * 7
}

fn is_marked(line: &str) -> bool {
    let line = line.trim_start();
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
        || is_assignment(line)
        || matches!(line.trim_end(), "}" | "};" | ")" | ");" | "]" | "end" | "pass")
}

/// `name = value`, `name: value` of a configuration, or `[section]`.
fn is_assignment(line: &str) -> bool {
    let name = |text: &str| {
        let text = text.trim();
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.[]\"'*&".contains(c))
    };
    line.split_once(" = ").is_some_and(|(left, _)| name(left.rsplit(' ').next().unwrap_or("")))
        || line.split_once('=').is_some_and(|(left, _)| name(left))
        || (line.starts_with('[') && line.trim_end().ends_with(']') && !line.contains("]("))
}

fn ends_like_code(line: &str) -> bool {
    let line = line.trim_end();
    line.ends_with(['{', '}', ';', '(', '[', '\\'])
        || line.ends_with("):")
        || line.ends_with("=>")
        || line.ends_with(");")
        || (line.ends_with(')') && line.contains('(') && !line.contains(". "))
        || is_assignment(line.trim_start())
}

/// Marks the blocks of a program: what stands between empty lines and begins at the left margin.
pub fn mark(builder: &mut Builder) -> Result<(), Error> {
    let text = builder.text().to_owned();
    let mut start = 0;
    let mut at = 0;
    let mut after_gap = false;
    for line in text.split_inclusive('\n') {
        let is_empty = line.trim().is_empty();
        let opens = !line.starts_with([' ', '\t', '}', ')', ']']);
        if !is_empty && after_gap && opens && at > start {
            builder.mark(BlockKind::Code, 0, start, at)?;
            start = at;
        }
        after_gap = is_empty;
        at += line.len();
    }
    builder.mark(BlockKind::Code, 0, start, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extraction::Format;

    const RUST: &str = "use std::fmt;\n\nfn main() {\n    let a = 1;\n\n    run(a);\n}\n\n\
        fn run(a: i32) {\n    other(a);\n}\n";
    const PYTHON: &str =
        "import os\n\ndef main():\n    path = os.getcwd()\n    print(path)\n\nmain()\n";

    #[test]
    fn code_is_told_from_prose() {
        assert!(is_code(RUST) && is_code(PYTHON));
        assert!(is_code("[server]\nport = 80\nname = \"x\"\n"));
        assert!(!is_code(
            "From the hill one sees the sea.\nUse the left path; it is shorter.\nIt is fine."
        ));
        assert!(!is_code("# Title\n\nSome text (with brackets).\n\n- one\n- two\n"));
    }

    #[test]
    fn a_program_is_cut_between_its_functions() {
        let mut builder = Builder::of(RUST.to_owned()).unwrap();
        mark(&mut builder).unwrap();
        let found = builder.finish(Format::Code, "UTF-8", 0);
        let parts: Vec<&str> = found
            .blocks
            .iter()
            .map(|block| &found.text[block.span.start as usize..block.span.end as usize])
            .collect();
        assert_eq!(parts.len(), 3, "{parts:?}");
        assert!(parts[1].starts_with("fn main") && parts[1].ends_with('}'));
    }
}
