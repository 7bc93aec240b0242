//! Every limit of this component, with its unit. Passing one is an error, never a silent cut.

/// The most bytes of a message, in UTF-8.
pub const MESSAGE_BYTES_MAX: usize = 65_536;
/// The most bytes of a request's body: a message whose every character is escaped in JSON, and room
/// for the other fields.
pub const BODY_BYTES_MAX: usize = 7 * MESSAGE_BYTES_MAX;
/// The most bytes of a request's body that brings a whole conversation along, or texts to embed.
pub const CONVERSATION_BYTES_MAX: usize = 8 << 20;
/// The most messages of such a conversation.
pub const CONVERSATION_MESSAGES_MAX: usize = 1_024;
/// The most texts that are embedded for one request.
pub const EMBEDDED_TEXTS_MAX: usize = 2_048;
/// The most texts that a model embeds, or counts the tokens of, in one call.
pub const EMBEDDED_AT_ONCE_MAX: usize = 256;
/// The most bytes of an exported receipt.
pub const RECEIPT_BYTES_MAX: usize = 32 << 20;
/// The turns that a candidate lays out again where nobody says otherwise, and the most.
pub const SHADOW_TURNS_DEFAULT: u32 = 50;
/// See [`SHADOW_TURNS_DEFAULT`].
pub const SHADOW_TURNS_MAX: u32 = 500;
/// The turns that the report of a candidate shows one by one.
pub const SHADOW_EXAMPLES_MAX: usize = 20;
/// The most ids of one kind that a past turn may be laid out without.
pub const WITHOUT_MAX: usize = 256;
/// The most bytes of the name of an owner.
pub const OWNER_BYTES_MAX: usize = 64;
/// The most bytes of a session's name, in UTF-8.
pub const NAME_BYTES_MAX: usize = 512;
/// The most documents that a session may be linked to: each is a scope, and one search of the index
/// takes so many.
pub const SESSION_DOCUMENTS_MAX: usize = 256;
/// The most bytes of an uploaded file.
pub const DOCUMENT_BYTES_MAX: usize = 15 << 20;
/// The most bytes of the text that is read out of a file.
pub const DOCUMENT_TEXT_BYTES_MAX: usize = 8 << 20;
/// The most bytes of a form with files.
pub const FORM_BYTES_MAX: u64 = 32 << 20;
/// Pieces of a form that may wait for its parser.
pub const FORM_FRAMES_WAITING_MAX: usize = 4;
/// The most bytes of the name of a field of a form.
pub const FIELD_NAME_BYTES_MAX: usize = 64;
/// The most files of a form.
pub const FORM_FILES_MAX: usize = 64;
/// The most bytes of a document's text that are shown at once.
pub const TEXT_SHOWN_BYTES_MAX: u32 = 1 << 20;
/// The most bytes of a query string, or of a path.
pub const TARGET_BYTES_MAX: usize = 16_384;

/// Rows in a list of sessions where the client does not say.
pub const SESSIONS_LIMIT_DEFAULT: u32 = 50;
/// Rows in a list of messages where the client does not say.
pub const MESSAGES_LIMIT_DEFAULT: u32 = 1_000;
/// Rows in a list of memories where the client does not say.
pub const MEMORIES_LIMIT_DEFAULT: u32 = 50;
/// Rows of what a search in a session found, where the client does not say.
pub const HITS_LIMIT_DEFAULT: u32 = 10;
/// The most rows of any list.
pub const LIST_LIMIT_MAX: u32 = 1_000;
/// The most rows of a list of messages or memories that are in memory at once.
pub const LIST_ROWS_READ: u32 = 32;
/// The most bytes of a list that wait to be sent, beyond the row that reaches them.
pub const LIST_BYTES_WAITING: usize = 65_536;
/// The most rows that a client may skip.
pub const SKIP_MAX: u32 = 1_000_000_000;
/// The most hits of a search in documents.
pub const PASSAGE_HITS_MAX: u32 = 100;

/// The most stop texts of a request.
pub const STOPS_MAX: usize = 8;
/// The most bytes of one stop text.
pub const STOP_BYTES_MAX: usize = 128;
/// The most bytes of the JSON schema or the grammar of a reply.
pub const CONSTRAINT_BYTES_MAX: usize = 65_536;
/// The most tokens that an answer may be chosen among: what llama.cpp can count.
pub const TOP_K_MAX: u32 = i32::MAX as u32;
/// The most tokens of a reply that a client may ask for.
pub const REPLY_TOKENS_MAX: u32 = 1_048_576;

/// The most turns of one session that may wait for an answer at once.
pub const TURNS_WAITING_MAX: u32 = 64;
/// How long a turn counts as alive after its owner was last heard of, in microseconds: as long as
/// the next turn of its session waits if the owner dies.
pub const LEASE_MICROS: i64 = 10_000_000;
/// How often a live turn renews its lease, in milliseconds.
pub const LEASE_RENEWAL_MILLIS: u64 = 3_000;
/// The longest sleep of a turn that waits for an earlier one, in milliseconds.
pub const QUEUE_SLEEP_MILLIS_MAX: u64 = 50;
/// How often a turn looks whether it was cancelled while the model speaks, in milliseconds.
pub const CANCEL_POLL_MILLIS: u64 = 50;
/// A client that takes nothing for so long is gone, in milliseconds.
pub const CLIENT_STALL_MILLIS: u64 = 30_000;
/// How long a stream may be silent before a comment is sent, in milliseconds.
pub const SILENCE_MILLIS_MAX: u64 = 15_000;
/// How long an answer waits for a status of its own before the stream begins, in milliseconds.
pub const STREAM_DECISION_MILLIS: u64 = 500;
/// Events that may wait for a slow client.
pub const EVENTS_WAITING_MAX: usize = 64;
/// Elements read at once from the stream of a model or a database.
pub const STREAM_READ_MAX: usize = 64;

/// The most messages that both searches together hand to the ranking policy, the one before and the
/// one after each not counted.
pub const CANDIDATES_MAX: usize = 64;
/// The characters of a text that the ranking policy is shown.
pub const CANDIDATE_CHARS_MAX: u32 = 2_048;
/// The most messages that a question may refer back to.
pub const FOLLOWED_MAX: u32 = 3;
/// The most bytes of each of them that are searched for.
pub const FOLLOWED_BYTES_MAX: usize = 512;
/// The most messages of the time that a question asks about that are looked at.
pub const PERIOD_MESSAGES_MAX: u32 = 1_024;
/// The most of them that are handed to the ranking policy.
pub const PERIOD_CANDIDATES_MAX: usize = 32;
/// The most names of speakers that are left out of a question's vector.
pub const SPEAKERS_MAX: u32 = 64;
/// The most bytes of text that one search in documents hands to the ranking policy.
pub const CANDIDATE_BYTES_MAX: usize = 1_048_576;
/// Hits that the dense search is asked for. It must look past what stands in the prompt anyway.
pub const DENSE_HITS: u32 = 64 + 2 * WINDOW_TURNS_MAX;
/// The most memories of one turn that a deployment may ask for.
pub const MEMORIES_PER_TURN_MAX: u32 = 64;
/// The most tokens that condensation leaves of a memory.
pub const MEMORY_TOKENS_MAX: u32 = 100;
/// The most tokens that condensation leaves of a passage of a document.
pub const DOCUMENT_TOKENS_MAX: u32 = 150;
/// Turns whose words a turn reads before it searches, where the index lacks them. Where it lacks
/// more, they are learned in the background.
pub const WORDED_TURNS_MAX: u64 = 8;
/// Messages whose words are read at once.
pub const WORDED_AT_ONCE: u32 = 64;
/// The most terms that a message counts as long as.
pub const WORDED_LENGTH_MAX: u32 = 4_095;
/// Vectors that are loaded into the index at once.
pub const VECTORS_LOADED_MAX: u32 = 1_024;
/// Vectors that must have been read from their rows for a snapshot of the session to be worth it.
pub const SNAPSHOT_ROWS: usize = 512;
/// The most parts of a snapshot, of about a mebibyte each.
pub const SNAPSHOT_PARTS_MAX: u32 = 1_024;

/// The most turns that a policy may want to see as history.
pub const WINDOW_TURNS_MAX: u32 = 64;
/// The most passages of documents in a prompt that a deployment may ask for.
pub const PASSAGES_PER_TURN_MAX: u32 = 64;
/// The nearest passages that the dense search in documents must not miss.
pub const DOCUMENT_HITS: u32 = 32;
/// The most passages that only the full-text search in documents found.
pub const DOCUMENT_WORDED_HITS: usize = 32;
/// The most sentences of a reply, and of what it may cite, that are compared.
pub const CITED_SENTENCES_MAX: usize = 1_024;

/// How long a document counts as worked on after its worker was last heard of, in microseconds: as
/// long as reading one file may take, and more.
pub const DOCUMENT_LEASE_MICROS: i64 = 120_000_000;
/// How often somebody may begin to read a document without coming to an end.
pub const DOCUMENT_ATTEMPTS_MAX: u32 = 3;
/// The bytes of a piece of text that is measured.
pub const PIECE_BYTES_MAX: usize = 64;
/// The most tokens of a chunk, and the fewest that are asked for.
pub const CHUNK_TOKENS_MAX: u32 = 256;
/// See [`CHUNK_TOKENS_MAX`].
pub const CHUNK_TOKENS_MIN: u32 = 128;
/// Tokens that are left for the headings above a chunk.
pub const HEADING_TOKENS: u32 = 32;
/// The characters of a heading that are kept.
pub const HEADING_CHARS_MAX: usize = 200;
/// Chunks that are stored in one statement.
pub const CHUNKS_STORED_MAX: usize = 256;
/// The bytes of text that are stored in one statement, beyond the first chunk.
pub const CHUNK_BYTES_STORED_MAX: usize = 1 << 20;
/// Chunks that are embedded and indexed in one step.
pub const CHUNKS_INDEXED_MAX: u32 = 64;
/// How often a client that waits for a document is told how it is, in milliseconds.
pub const PROGRESS_POLL_MILLIS: u64 = 200;

/// The most literals that an assembly policy may declare.
pub const LITERALS_MAX: usize = 64;
/// The most bytes of one literal.
pub const LITERAL_BYTES_MAX: usize = 1_024;
/// The most parts of a plan.
pub const PARTS_MAX: usize = 1_024;
/// The most texts that are measured in one call.
pub const COUNT_TEXTS_MAX: usize = 1_024;

/// The most bytes of a term; what is longer is no word.
pub const TERM_BYTES_MAX: usize = 64;
/// The most different terms of a message that are indexed.
pub const MESSAGE_TERMS_MAX: usize = 1_024;
/// The most different terms of a query that are looked up.
pub const QUERY_TERMS_MAX: usize = 256;
/// The most places of one term that a search reads. A term that fills it is common in its session.
pub const TERM_PLACES_MAX: u32 = 1_024;

/// Vectors that are looked at in one step of deleting an index that nobody wants any more.
pub const SWEPT_VECTORS: u32 = 4_096;
/// The most messages that come in at once.
pub const IMPORTED_MESSAGES_MAX: usize = 256;
/// The most bytes of the file of a session.
pub const SESSION_FILE_BYTES_MAX: usize = 32 << 20;
/// The most bytes of what was said in it.
pub const SESSION_FILE_TEXT_BYTES_MAX: usize = 8 << 20;
/// How long making a session of its file may take, in seconds. What takes longer was broken off.
pub const IMPORT_SECONDS_MAX: i64 = 3_600;
/// The most messages in the file of a session.
pub const SESSION_FILE_MESSAGES_MAX: usize = 20_000;

/// Messages that are indexed in one step.
pub const INDEX_STEP_MESSAGES: u32 = 64;
/// Steps of indexing in one call of maintenance.
pub const INDEX_STEPS_MAX: u32 = 32;
/// Characters of the prompt that the metadata of a reply shows.
pub const PREVIEW_CHARS: usize = 200;
/// Connections to the database that an instance keeps open.
pub const CONNECTIONS_KEPT_MAX: usize = 16;
