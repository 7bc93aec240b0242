//! What can be asked.

use super::Operation;
use super::Sent::{self, Files};
use super::Told::{self, Events, Html, Json, JsonOrEvents, List};
use super::entry::plain;
use super::parameters::{DOCUMENTS, EACH, END, LIMIT, QUERY, SESSION, SKIP, START};

/// The errors of whatever takes JSON.
const TAKES_JSON: &[u16] = &[400, 413, 415];
/// The same, of whatever needs something that is named.
const TAKES_JSON_OF: &[u16] = &[400, 404, 413, 415];
/// The errors of what puts a turn of the past together again.
const PAST: &[u16] = &[400, 404, 409, 413, 415];
/// The errors of what needs a model.
const ASKS_MODEL: &[u16] = &[400, 404, 413, 415, 502, 504];

/// What the application answers on every host, in the order in which people read it.
pub const OPERATIONS: &[Operation] = &[
    plain(
        "POST",
        "/api/v1/sessions",
        "create_session",
        "Begin a session",
        &[(201, Json("Session"))],
        TAKES_JSON,
    )
    .sent(Sent::Json("NewSession")),
    plain(
        "GET",
        "/api/v1/sessions",
        "list_sessions",
        "List sessions, the newest first",
        &[(200, List("Session"))],
        &[400],
    )
    .with(&[SKIP, LIMIT]),
    plain(
        "GET",
        "/api/v1/sessions/{id}",
        "get_session",
        "Show a session",
        &[(200, Json("Session"))],
        &[404],
    ),
    plain(
        "PATCH",
        "/api/v1/sessions/{id}",
        "rename_session",
        "Rename a session",
        &[(200, Json("Session"))],
        TAKES_JSON_OF,
    )
    .sent(Sent::Json("NewName")),
    plain(
        "DELETE",
        "/api/v1/sessions/{id}",
        "delete_session",
        "Delete a session with everything in it",
        &[(204, Told::Nothing)],
        &[404],
    ),
    plain(
        "GET",
        "/api/v1/sessions/{id}/export",
        "export_session",
        "Show a session as one file, which any Loci can import",
        &[(200, Json("SessionFile"))],
        &[400, 404, 413],
    )
    .with(&[DOCUMENTS]),
    plain(
        "POST",
        "/api/v1/sessions/import",
        "import_session",
        "Make a session of a file; its memory works at once",
        &[(201, Json("Session"))],
        TAKES_JSON,
    )
    .sent(Sent::Json("SessionFile")),
    plain(
        "PUT",
        "/api/v1/sessions/{id}/memory",
        "switch_memory",
        "Switch the memory of a session on or off",
        &[(200, Json("Session"))],
        TAKES_JSON_OF,
    )
    .sent(Sent::Json("Switch")),
    plain(
        "PUT",
        "/api/v1/sessions/{id}/instruction",
        "instruct",
        "Say what the model is told to be and do in a session",
        &[(200, Json("Session"))],
        TAKES_JSON_OF,
    )
    .sent(Sent::Json("Instruction")),
    plain(
        "GET",
        "/api/v1/sessions/{id}/policies",
        "session_policies",
        "Show the policies that a session is tied to",
        &[(200, Json("Ties"))],
        &[404],
    ),
    plain(
        "PUT",
        "/api/v1/sessions/{id}/policies",
        "tie_session",
        "Tie a session to policies, or untie it",
        &[(200, Json("Ties"))],
        &[400, 404, 413, 415, 501],
    )
    .sent(Sent::Json("Ties")),
    plain(
        "POST",
        "/api/v1/policies/{digest}/shadow",
        "shadow_policy",
        "Lay out past turns with a policy that is not in use, and compare",
        &[(200, Json("ShadowReport"))],
        &[400, 403, 404, 409, 413, 415, 501],
    )
    .sent(Sent::Json("Shadow")),
    plain(
        "POST",
        "/api/v1/sessions/{id}/cancel",
        "cancel",
        "Stop the replies of a session that are being made",
        &[(200, Json("Cancelled"))],
        &[404],
    ),
    plain(
        "POST",
        "/api/v1/sessions/{id}/messages",
        "say",
        "Say something, and have it answered",
        &[(200, Events), (201, Json("Message"))],
        ASKS_MODEL,
    )
    .sent(Sent::Json("NewMessage")),
    plain(
        "GET",
        "/api/v1/sessions/{id}/messages",
        "list_messages",
        "List what was said, the oldest first; or find some of it, the latest first",
        &[(200, List("Message"))],
        &[400, 404],
    )
    .with(&[QUERY, SKIP, LIMIT]),
    plain(
        "GET",
        "/api/v1/messages",
        "find_messages",
        "Find what was said in all sessions, those that spoke last first",
        &[(200, List("Message"))],
        &[400],
    )
    .with(&[QUERY, EACH, SKIP, LIMIT]),
    plain(
        "POST",
        "/api/v1/sessions/{id}/messages/import",
        "import_messages",
        "Take in what was said elsewhere",
        &[(201, Json("ImportedMessages"))],
        TAKES_JSON_OF,
    )
    .sent(Sent::Json("MessagesToImport")),
    plain(
        "POST",
        "/api/v1/sessions/{id}/draft",
        "draft_in_session",
        "Tell what the prompt of a message would be made of, without saying it",
        &[(200, Json("Draft"))],
        ASKS_MODEL,
    )
    .sent(Sent::Json("DraftMessage")),
    plain(
        "POST",
        "/api/v1/draft",
        "draft",
        "The same, for a message that no session knows",
        &[(200, Json("Draft"))],
        ASKS_MODEL,
    )
    .sent(Sent::Json("DraftMessage")),
    plain(
        "POST",
        "/api/v1/llm/measure",
        "measure",
        "Count and cut texts with the model's own tokenizer",
        &[(200, Json("Measured"))],
        ASKS_MODEL,
    )
    .sent(Sent::Json("ToMeasure")),
    plain(
        "GET",
        "/api/v1/sessions/{id}/messages/{message}/receipt",
        "get_receipt",
        "Tell how a reply came about: its whole prompt",
        &[(200, Json("Receipt"))],
        &[400, 404],
    ),
    plain(
        "GET",
        "/api/v1/sessions/{id}/messages/{message}/receipt/export",
        "export_receipt",
        "The same with the texts that it refers to, to be replayed elsewhere",
        &[(200, Json("ExportedReceipt"))],
        &[400, 404, 409],
    ),
    plain(
        "POST",
        "/api/v1/sessions/{id}/messages/{message}/replay",
        "replay_turn",
        "Put the prompt of a reply together again, and compare",
        &[(200, Json("Replayed"))],
        PAST,
    ),
    plain(
        "POST",
        "/api/v1/sessions/{id}/messages/{message}/what-if",
        "ask_what_if",
        "Tell how the prompt of a reply changes without some of what it was made of",
        &[(200, Json("Replayed"))],
        PAST,
    )
    .sent(Sent::Json("Without")),
    plain(
        "POST",
        "/api/v1/receipts/replay",
        "replay_receipt",
        "Put together again what another server exported, and compare",
        &[(200, Json("Replayed"))],
        PAST,
    )
    .sent(Sent::Json("ExportedReceipt")),
    plain(
        "GET",
        "/api/v1/sessions/{id}/memories",
        "list_memories",
        "List what a session remembers, or find some of it",
        &[(200, List("Memory"))],
        &[400, 404],
    )
    .with(&[QUERY, SKIP, LIMIT]),
    plain(
        "DELETE",
        "/api/v1/sessions/{id}/memories/{message}",
        "forget_memory",
        "Forget a message",
        &[(204, Told::Nothing)],
        &[400, 404],
    ),
    plain(
        "PUT",
        "/api/v1/sessions/{id}/documents/{document}",
        "link_document",
        "Let a session read a document",
        &[(200, Json("Session"))],
        &[400, 404],
    ),
    plain(
        "DELETE",
        "/api/v1/sessions/{id}/documents/{document}",
        "unlink_document",
        "Let a session read a document no longer",
        &[(200, Json("Session"))],
        &[404],
    ),
    plain(
        "POST",
        "/api/v1/documents",
        "upload_documents",
        "Store files, which are read in the background",
        &[(202, Json("Uploaded"))],
        TAKES_JSON,
    )
    .sent(Files),
    plain(
        "GET",
        "/api/v1/documents",
        "list_documents",
        "List documents, the newest first",
        &[(200, List("Document"))],
        &[400],
    )
    .with(&[SKIP, LIMIT]),
    plain(
        "POST",
        "/api/v1/documents/search",
        "search_documents",
        "Find passages of some documents",
        &[(200, Json("Passages"))],
        TAKES_JSON_OF,
    )
    .sent(Sent::Json("DocumentSearch")),
    plain(
        "GET",
        "/api/v1/documents/{id}",
        "get_document",
        "Show a document",
        &[(200, Json("Document"))],
        &[404],
    ),
    plain(
        "PUT",
        "/api/v1/documents/{id}",
        "replace_document",
        "Put a file in the place of a document's",
        &[(202, Json("Document"))],
        &[400, 404, 409, 413, 415],
    )
    .sent(Files),
    plain(
        "PATCH",
        "/api/v1/documents/{id}",
        "rename_document",
        "Rename a document",
        &[(200, Json("Document"))],
        TAKES_JSON_OF,
    )
    .sent(Sent::Json("NewTitle")),
    plain(
        "DELETE",
        "/api/v1/documents/{id}",
        "delete_document",
        "Delete a document with everything that was made of it",
        &[(204, Told::Nothing)],
        &[404],
    ),
    plain(
        "POST",
        "/api/v1/documents/{id}/reindex",
        "reindex_document",
        "Read a document again",
        &[(202, Json("Document"))],
        &[404],
    ),
    plain(
        "GET",
        "/api/v1/documents/{id}/events",
        "watch_document",
        "Tell how a document is getting on, until it is done",
        &[(200, Events)],
        &[404],
    ),
    plain(
        "GET",
        "/api/v1/documents/{id}/text",
        "get_document_text",
        "Show a part of the text of a document",
        &[(200, Json("Text"))],
        &[400, 404, 409],
    )
    .with(&[START, END]),
    plain(
        "POST",
        "/v1/chat/completions",
        "openai_chat",
        "Answer a conversation, in the manner of OpenAI",
        &[(200, JsonOrEvents("Completion"))],
        ASKS_MODEL,
    )
    .with(&[SESSION])
    .sent(Sent::Json("ChatRequest")),
    plain(
        "POST",
        "/v1/completions",
        "openai_complete",
        "Continue a text, in the manner of OpenAI",
        &[(200, JsonOrEvents("Completion"))],
        ASKS_MODEL,
    )
    .sent(Sent::Json("CompletionRequest")),
    plain(
        "POST",
        "/v1/embeddings",
        "openai_embed",
        "Turn texts into vectors, in the manner of OpenAI",
        &[(200, Json("Embeddings"))],
        ASKS_MODEL,
    )
    .sent(Sent::Json("EmbeddingRequest")),
    plain(
        "GET",
        "/v1/models",
        "openai_models",
        "List the models that answer, in the manner of OpenAI",
        &[(200, Json("ModelList"))],
        &[],
    ),
    plain(
        "GET",
        "/v1/models/{model}",
        "openai_model",
        "Show a model, in the manner of OpenAI",
        &[(200, Json("Model"))],
        &[404],
    ),
    plain(
        "POST",
        "/api/chat",
        "ollama_chat",
        "Answer a conversation, in the manner of Ollama",
        &[(200, Told::JsonOrLines("OllamaAnswer"))],
        ASKS_MODEL,
    )
    .with(&[SESSION])
    .sent(Sent::Json("OllamaRequest")),
    plain(
        "GET",
        "/api/tags",
        "ollama_tags",
        "List the model that answers, in the manner of Ollama",
        &[(200, Json("OllamaTags"))],
        &[],
    ),
    plain(
        "GET",
        "/api/v1/llm/status",
        "model_status",
        "Tell how the models are",
        &[(200, Json("ModelStatus"))],
        &[],
    ),
    plain(
        "POST",
        "/api/v1/maintenance",
        "maintain",
        "Do what was left undone",
        &[(200, Json("Maintained")), (202, Json("Maintained"))],
        &[403],
    ),
    plain(
        "GET",
        "/health",
        "health",
        "Tell whether the server lives",
        &[(200, Json("Health"))],
        &[],
    ),
    plain(
        "GET",
        "/ready",
        "ready",
        "Tell whether a message would be answered and remembered",
        &[(200, Json("Readiness")), (503, Json("Readiness"))],
        &[],
    ),
    plain("GET", "/openapi.json", "describe", "This description", &[(200, Json("Empty"))], &[]),
    plain("GET", "/docs", "read_description", "This description, as a page", &[(200, Html)], &[]),
];
