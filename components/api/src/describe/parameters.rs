//! What may stand in a query.

use super::{Kind, Parameter};
use crate::limits;
use crate::openai::request::SESSION_HEADER;

/// The session that a conversation of other clients is a turn of.
pub(super) const SESSION: Parameter = Parameter {
    name: SESSION_HEADER,
    about: "The session to say it in; left out, nothing is stored",
    kind: Kind::Header,
};
/// Whether a session takes its documents along.
pub(super) const DOCUMENTS: Parameter = Parameter {
    name: "documents",
    about: "Whether the documents that it reads go with it; left out, they do",
    kind: Kind::Flag,
};
/// Rows to leave out.
pub(super) const SKIP: Parameter =
    Parameter { name: "skip", about: "Rows to leave out", kind: Kind::Number(0, limits::SKIP_MAX) };
/// The most rows to show.
pub(super) const LIMIT: Parameter = Parameter {
    name: "limit",
    about: "The most rows to show",
    kind: Kind::Number(1, limits::LIST_LIMIT_MAX),
};
/// The most rows of one session.
pub(super) const EACH: Parameter = Parameter {
    name: "each",
    about: "The most of one session",
    kind: Kind::Number(1, limits::LIST_LIMIT_MAX),
};
/// What is looked for.
pub(super) const QUERY: Parameter =
    Parameter { name: "query", about: "What is looked for; left out for all", kind: Kind::Text };
/// The first byte.
pub(super) const START: Parameter = Parameter {
    name: "start",
    about: "The first byte",
    kind: Kind::Number(0, limits::DOCUMENT_TEXT_BYTES_MAX as u32),
};
/// One past the last byte.
pub(super) const END: Parameter = Parameter {
    name: "end",
    about: "One past the last byte",
    kind: Kind::Number(1, limits::DOCUMENT_TEXT_BYTES_MAX as u32),
};
/// The most events of a log.
pub(super) const LOG_LIMIT: Parameter =
    Parameter { name: "limit", about: "The most events to show", kind: Kind::Number(1, 1_000) };
/// The name of a policy.
pub(super) const NAME: Parameter =
    Parameter { name: "name", about: "What to call the policy", kind: Kind::Line(64) };
