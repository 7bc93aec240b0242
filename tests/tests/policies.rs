//! The policies as components: folders of input and expected output, and properties that hold for
//! every input. Each answer is asked for twice, of the component and of the same code compiled
//! natively (the api's fallback), and both must be the same.

mod component;
mod golden;
mod model;
mod native;
mod properties;
mod write;
