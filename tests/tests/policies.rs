//! The policies as components: folders of input and expected output, and properties that hold for
//! every input. Each answer is asked for twice, of the component and of the same code compiled
//! natively (the api's fallback), and both must be the same. So must be what the JavaScript
//! package says.

mod component;
mod dynamic;
mod golden;
mod javascript;
pub mod kit;
mod model;
mod native;
mod properties;
mod variants;
mod write;
