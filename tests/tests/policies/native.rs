//! The policies compiled natively, as the api falls back to them.

use super::model;

/// The default layout.
pub mod default {
    use super::model;

    model::conversions!(types prompt_assembly::types, assembly prompt_assembly::assembly);

    pub fn assemble(prompt: &model::Prompt) -> Option<model::Layout> {
        layout(prompt_assembly::assemble(&assembly_request(prompt)))
    }
}

/// The classic layout.
pub mod classic {
    use super::model;

    model::conversions!(
        types prompt_assembly_classic::types, assembly prompt_assembly_classic::assembly
    );

    pub fn assemble(prompt: &model::Prompt) -> Option<model::Layout> {
        layout(prompt_assembly_classic::assemble(&assembly_request(prompt)))
    }
}

model::conversions!(types::truncation::types, truncation::truncation::truncation);

pub fn truncate(lengths: &model::Lengths) -> model::Kept {
    kept(lengths, ::truncation::truncate(&truncation_request(lengths)))
}
