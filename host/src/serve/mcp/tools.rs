//! The tools: what each takes, and what it asks the application.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::{Method, StatusCode, request};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::Asker;
use crate::serve::gate::Caller;
use crate::serve::shutdown::Alive;

/// The session in which things are remembered if nobody names another.
const NOTES: &str = "Notes";
/// The sessions among which it is looked for at once.
const SESSIONS_READ: u32 = 1_000;
/// The documents in which passages are looked for if none are named.
const DOCUMENTS_MAX: u32 = 256;
/// What assistants are told about the tools as a whole.
const ABOUT: &str = "A long-term memory. Remember what the user wants kept, in a sentence that can \
    be understood by itself; recall before answering what may have been said before.";

/// Asks the application.
pub trait Ask: Send + Sync {
    /// Sends a request on behalf of `caller`, and waits for the status and the JSON of the answer.
    fn ask(
        &self,
        caller: Caller,
        alive: Alive,
        method: Method,
        target: String,
        body: Option<Value>,
    ) -> BoxFuture<'_, (StatusCode, Value)>;
}

/// What answers the requests of a client.
pub struct Tools {
    ask: Arc<dyn Ask>,
    /// Held while the session for notes is looked for or made, so that there is one.
    notes: Arc<Mutex<()>>,
}

/// A tool that could not do it: what the application said.
struct Failed(String);

impl Tools {
    /// Tools that ask the application by `ask`.
    pub fn new(ask: Arc<dyn Ask>, notes: Arc<Mutex<()>>) -> Self {
        Self { ask, notes }
    }

    async fn call(
        &self,
        asker: &Asker,
        tool: &str,
        given: &Map<String, Value>,
    ) -> Result<Value, Failed> {
        match tool {
            "remember" => self.remember(asker, given).await,
            "recall" => self.recall(asker, given).await,
            "forget" => self.forget(asker, given).await,
            "search_documents" => self.search(asker, given).await,
            other => Err(Failed(format!("there is no tool `{other}`"))),
        }
    }

    async fn remember(&self, asker: &Asker, given: &Map<String, Value>) -> Result<Value, Failed> {
        let session = self.session(asker, given, true).await?.unwrap_or_default();
        let message = json!({ "role": "user", "content": text(given, "text")? });
        let target = format!("/api/v1/sessions/{session}/messages/import");
        let body = json!({ "messages": [message] });
        let stored = self.asked(asker, Method::POST, target, Some(body)).await?;
        Ok(json!({ "session_id": session, "message_id": stored["message_ids"][0] }))
    }

    async fn recall(&self, asker: &Asker, given: &Map<String, Value>) -> Result<Value, Failed> {
        let query = text(given, "query")?;
        let Some(session) = self.session(asker, given, false).await? else {
            return Ok(json!({ "session_id": null, "memories": [] }));
        };
        let limit = given.get("limit").map_or_else(|| "5".to_owned(), Value::to_string);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", &query)
            .append_pair("limit", &limit)
            .finish();
        let target = format!("/api/v1/sessions/{session}/memories?{query}");
        let memories = self.asked(asker, Method::GET, target, None).await?;
        Ok(json!({ "session_id": session, "memories": memories }))
    }

    async fn forget(&self, asker: &Asker, given: &Map<String, Value>) -> Result<Value, Failed> {
        let message = given.get("message_id").and_then(Value::as_u64);
        let message = message.ok_or_else(|| missing("message_id", "a whole number"))?;
        let Some(session) = self.session(asker, given, false).await? else {
            return Err(Failed("nothing has been remembered yet".to_owned()));
        };
        let target = format!("/api/v1/sessions/{session}/memories/{message}");
        self.asked(asker, Method::DELETE, target, None).await?;
        Ok(json!({ "session_id": session, "forgotten": message }))
    }

    async fn search(&self, asker: &Asker, given: &Map<String, Value>) -> Result<Value, Failed> {
        let query = text(given, "query")?;
        let mut documents = given.get("document_ids").cloned().unwrap_or(Value::Null);
        if documents.is_null() {
            let target = format!("/api/v1/documents?limit={DOCUMENTS_MAX}");
            let all = self.asked(asker, Method::GET, target, None).await?;
            documents = all.as_array().into_iter().flatten().map(|one| one["id"].clone()).collect();
        }
        if documents.as_array().is_some_and(Vec::is_empty) {
            return Ok(json!({ "passages": [] }));
        }
        let mut body = json!({ "query": query, "document_ids": documents });
        if let Some(limit) = given.get("limit") {
            body["limit"] = limit.clone();
        }
        let target = "/api/v1/documents/search".to_owned();
        self.asked(asker, Method::POST, target, Some(body)).await
    }

    /// The session that was named, or that for notes; none if that is not there and not to be made.
    async fn session(
        &self,
        asker: &Asker,
        given: &Map<String, Value>,
        make: bool,
    ) -> Result<Option<String>, Failed> {
        if let Some(named) = given.get("session_id").filter(|named| !named.is_null()) {
            let fits =
                |id: &&str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let id = named.as_str().filter(fits).ok_or_else(|| missing("session_id", "an id"))?;
            return Ok(Some(id.to_owned()));
        }
        let _one = self.notes.lock().await;
        let found = match self.notes(asker).await? {
            Some(found) => found,
            None if make => {
                let body = Some(json!({ "name": NOTES }));
                self.asked(asker, Method::POST, "/api/v1/sessions".to_owned(), body).await?
            }
            None => return Ok(None),
        };
        Ok(found["id"].as_str().map(str::to_owned))
    }

    /// The session for notes, if there is one.
    async fn notes(&self, asker: &Asker) -> Result<Option<Value>, Failed> {
        for skip in (0..).step_by(SESSIONS_READ as usize) {
            let target = format!("/api/v1/sessions?limit={SESSIONS_READ}&skip={skip}");
            let told = self.asked(asker, Method::GET, target, None).await?;
            let some = told.as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(found) = some.iter().find(|session| session["name"] == NOTES) {
                return Ok(Some(found.clone()));
            }
            if some.len() < SESSIONS_READ as usize {
                break;
            }
        }
        Ok(None)
    }

    async fn asked(
        &self,
        asker: &Asker,
        method: Method,
        target: String,
        body: Option<Value>,
    ) -> Result<Value, Failed> {
        let Asker { caller, alive } = asker.clone();
        let (status, told) = self.ask.ask(caller, alive, method, target, body).await;
        if status.is_success() {
            return Ok(told);
        }
        let message = told["error"]["message"].as_str().unwrap_or("the application failed");
        Err(Failed(message.to_owned()))
    }
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let mut info = ServerConfig::new(capabilities).with_instructions(ABOUT);
        info.server_info = Implementation::new("loci", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<request::Parts>();
        let Some(asker) = parts.and_then(|parts| parts.extensions.get::<Asker>()) else {
            return Err(ErrorData::internal_error("nobody asks", None));
        };
        let given = request.arguments.unwrap_or_default();
        let result = match self.call(asker, &request.name, &given).await {
            Ok(told) => CallToolResult::structured(told),
            Err(Failed(why)) => CallToolResult::error(vec![ContentBlock::text(why)]),
        };
        Ok(result.into())
    }
}

fn text(given: &Map<String, Value>, name: &str) -> Result<String, Failed> {
    let text = given.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or_else(|| missing(name, "a text that is not empty"))
}

fn missing(name: &str, right: &str) -> Failed {
    Failed(format!("`{name}` must be {right}"))
}

/// What there is, as assistants are told.
fn tools() -> Vec<Tool> {
    let reads = || ToolAnnotations::new().read_only(true);
    let session = json!({
        "type": "string",
        "description": "The session of Loci; left out for the one that holds notes",
    });
    let query = json!({ "type": "string", "description": "What it is about, in plain words" });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 50 });
    let documents = json!({
        "type": "array", "items": { "type": "string" },
        "description": "The documents to look in; left out for all",
    });
    vec![
        tool(
            "remember",
            "Keep something that the user said or wants kept, for all later conversations",
            json!({
                "text": { "type": "string", "description": "What to keep, in whole sentences" },
                "session_id": session,
            }),
            &["text"],
        )
        .with_annotations(ToolAnnotations::new().destructive(false)),
        tool(
            "recall",
            "Find what was said earlier about something, the most fitting first",
            json!({ "query": query, "limit": limit, "session_id": session }),
            &["query"],
        )
        .with_annotations(reads()),
        tool(
            "forget",
            "Take something out of the memory, by the `message_id` that `recall` told",
            json!({
                "message_id": { "type": "integer", "minimum": 0 }, "session_id": session,
            }),
            &["message_id"],
        )
        .with_annotations(ToolAnnotations::new().destructive(true)),
        tool(
            "search_documents",
            "Find passages in the user's documents",
            json!({ "query": query, "limit": limit, "document_ids": documents }),
            &["query"],
        )
        .with_annotations(reads()),
    ]
}

fn tool(name: &'static str, about: &'static str, takes: Value, required: &[&str]) -> Tool {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), takes);
    schema.insert("required".to_owned(), json!(required));
    Tool::new(name, about, schema)
}
