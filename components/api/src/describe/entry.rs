//! How an entry is written.

use super::{Answerer, Operation, Parameter, Sent, Told};

/// What has no query and no body, and is answered by the application.
pub(super) const fn plain(
    method: &'static str,
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    answers: &'static [(u16, Told)],
    errors: &'static [u16],
) -> Operation {
    let (query, body, by) = (&[], Sent::Nothing, Answerer::Application);
    Operation { method, path, name, summary, query, body, answers, errors, by }
}

impl Operation {
    /// The same, with these parameters in the query.
    pub(super) const fn with(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    /// The same, with this body.
    pub(super) const fn sent(self, body: Sent) -> Self {
        Self { body, ..self }
    }

    /// The same, answered by Loci's own host.
    pub(super) const fn by_host(self) -> Self {
        Self { by: Answerer::Host, ..self }
    }
}
