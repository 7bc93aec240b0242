//! Documents: uploaded, read and indexed in the background, found, and cited.

pub mod answer;
pub mod cite;
pub mod cut;
pub mod recall;
pub mod upload;
pub mod work;
