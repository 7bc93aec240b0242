//! What a component imports and exports, read before it is compiled: that takes seconds for a large
//! one, and what no policy may be is refused at once.

use wasmparser::{Parser, Payload, Result};

/// The names of what a component imports and exports, in its order.
#[derive(Debug, Default, PartialEq)]
pub struct Outside {
    /// What it wants.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
}

impl Outside {
    /// Reads the names. What else is wrong with the component shows when it is compiled.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not made of sections, as a component is.
    pub fn of(component: &[u8]) -> Result<Self> {
        let mut outside = Self::default();
        // How many modules and components are around what is read.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        outside.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        outside.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_component_itself_wants_and_offers_is_told() {
        let text = r#"(component
            (import "wasi:clocks/wall-clock@0.2.0" (instance))
            (component (import "inner" (instance)) (export "hidden" (instance 0)))
            (core module (import "a" "b" (func)) (export "c" (func 0)))
            (instance $offered)
            (export "loci:test/echo@0.1.0" (instance $offered)))"#;
        let component = wat::parse_str(text).expect("the text of a component");
        let outside = Outside::of(&component).expect("a component");
        assert_eq!(outside.imports, ["wasi:clocks/wall-clock@0.2.0"]);
        assert_eq!(outside.exports, ["loci:test/echo@0.1.0"]);
        assert!(Outside::of(&component[..component.len() - 3]).is_err());
    }
}
