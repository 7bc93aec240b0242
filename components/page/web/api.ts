/** The HTTP API, as far as the page uses it. The types are those that the server documents. */
import type { Draft } from "loci-policies/prompt";
import type { Measure, Measured } from "loci-policies/server";
import { key } from "./key";
import { EventReader, type StreamEvent } from "./sse";
import { read, set } from "./state";

export interface Session {
  id: string;
  name: string | null;
  created_at: string;
  last_updated_at: string;
  llm_model_name: string | null;
  rag_document_ids: string[] | null;
  long_term_memory_enabled: boolean;
  /** What the model is told to be and do; none where that is left to the server. */
  instruction: string | null;
}

export interface UsedMemory {
  message_id: number | null;
  turn: number;
  role: "user" | "assistant";
  score: number;
  tokens: number;
  /** The bytes of the message, in UTF-8, that stood in the prompt. */
  spans: [number, number][];
}

export interface Usage {
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export interface Degraded {
  part: string;
  reason: string;
}

/** A memory, or a passage of a document, that stood in the prompt. */
export interface Consulted {
  kind: "document" | "memory";
  message_id?: number;
  passage_id?: number;
  document_id?: string;
  document_name?: string;
  headings?: string[];
  page?: number;
  score: number;
  tokens: number;
  /** Bytes of the document's text, or of the message. */
  spans: [number, number][];
}

/** A sentence of the reply, and what it draws on. */
export interface Cited {
  /** Bytes of the reply. */
  sentence: [number, number];
  /** A place in the list of what was consulted. */
  consulted: number;
  span: [number, number];
}

export interface Document {
  id: string;
  name: string;
  title: string | null;
  status: "queued" | "indexing" | "ready" | "failed";
  format: string | null;
  pages: number;
  bytes: number;
  created_at: string;
  progress: { passages: number; indexed: number; failed: number };
  error: { code: string; message: string } | null;
}

/** A part of a document's text; `start` and `end` are bytes. */
export interface Excerpt {
  start: number;
  end: number;
  text: string;
}

export interface Metadata {
  consulted?: Consulted[];
  cited?: Cited[];
  relevant_history_retrieved?: number[];
  llm_call_error?: string | null;
  error_code?: string;
  finish_reason?: string;
  /** What the model thought before it answered. */
  reasoning?: string;
  memories?: UsedMemory[];
  degraded?: Degraded[];
  usage?: Usage;
  model?: string;
}

export interface Message {
  id: number;
  session_id: string;
  turn: number;
  timestamp: string;
  role: "user" | "assistant";
  content: string;
  status: "ok" | "failed" | "cancelled" | "interrupted";
  is_embedded: boolean;
  metadata: Metadata | null;
}

export interface Memory {
  message_id: number;
  turn: number;
  role: "user" | "assistant";
  timestamp: string;
  content: string;
  score?: number;
}

export interface Passage {
  kind: "instruction" | "document" | "memory" | "history" | "query";
  role: string | null;
  message_id: number | null;
  passage_id?: number;
  turn: number;
  score: number;
  tokens: number;
  kept_tokens: number;
  condensed: boolean;
  state: "kept" | "cut" | "dropped";
  reason: string | null;
}

export interface Receipt {
  message_id: number;
  policies: Record<string, { name?: string; digest: string }>;
  model: { name: string; digest: string; backend: string; exact_counts: boolean };
  embedding_model: { name: string; digest: string } | null;
  context_tokens: number;
  reply_tokens_max: number;
  budget: number;
  template_tokens: number;
  usage: Usage;
  passages: Passage[];
  history: { messages: number; tokens: number; first_turn: number | null };
  degraded: Degraded[];
  stages_us: Record<string, number>;
  layout: "chat" | "text";
  prompt: string;
  messages?: { role: string; content: string }[];
}

export interface ModelStatus {
  status: "none" | "loading" | "ready" | "error";
  active_model: string | null;
  backend_type: string | null;
  loading_percent: number | null;
  error: string | null;
  context_tokens: number;
  exact_counts: boolean;
  queued: number;
  active: number;
  generation_config: { max_new_tokens: number };
  embedding_model: {
    status: string;
    name?: string;
    dimensions?: number;
    error?: string;
  };
}

/** A model file that the server knows. */
export interface ModelFile {
  name: string;
  /** What the file itself says that it is called. */
  title?: string | null;
  source: string;
  active: boolean;
  error: string | null;
  kind?: "chat" | "embedding";
  size_bytes?: number;
  parameters?: number;
  quantization?: string;
  context_tokens?: number;
  license?: string | null;
}

/** How the model answers where a message does not say. */
export interface Generation {
  max_tokens: number | null;
  temperature: number;
  top_p: number;
  top_k: number;
  min_p: number;
  repeat_penalty: number;
  seed: number | null;
}

/** Lines that stand in one of two prompts only. */
export interface Hunk {
  line: number;
  removed: string[];
  added: string[];
}

/** A prompt that was put together again. */
export interface Again {
  identical: boolean;
  reason: string | null;
  difference: Hunk[];
}

/** A prompt without something that stood in it. */
export interface WhatIf {
  prompt_tokens: { before: number; after: number };
  difference: Hunk[];
}

/** A component that decides something. */
export interface Policy {
  digest: string;
  interface: string;
  name: string | null;
  state: string;
  source: "shipped" | "uploaded";
  added_at: string | null;
  activated_at: string | null;
  /** How it did when it was last tried on past turns. */
  tried: Tried | null;
}

export interface Tried {
  turns: number;
  changed: number;
  refused: number;
  tokens_before: number;
  tokens_after: number;
}

/** What was asked of a policy, and where it failed. */
export interface Counts {
  calls: number;
  errors: number;
}

/** A policy that has a share of the sessions. */
export interface Canary extends Counts {
  digest: string;
  percent: number;
  since: string;
  errors_max: number;
}

/** What is decided by a policy, and by which. */
export interface Hook {
  interface: string;
  active: string;
  previous: string | null;
  /** Whether a share of the sessions can be given to another. */
  per_session: boolean;
  /** Whether another can be tried on past turns. */
  shadow: boolean;
  canary: Canary | null;
  set_aside: boolean;
  /** Since the server started, by digest; null if nothing was. */
  asked: Record<string, Counts> | null;
}

/** Something that is being done with a policy at this moment. */
export interface Work {
  digest: string;
  step: "checking" | "loading";
  since: string;
}

export interface Policies {
  policies: Policy[];
  hooks: Hook[];
  under_way: Work[];
}

export interface Pair {
  before: number;
  after: number;
}

/** How a policy lays out turns of the past. */
export interface ShadowReport {
  turns: number;
  changed: number;
  refused: number;
  skipped: Record<string, number>;
  passages: { kept: number; lost: number; gained: number };
  prompt_tokens: Pair;
  reusable_tokens: Pair;
  fuel: Pair;
  examples: {
    session_id: string;
    message_id: number;
    refused?: string;
    prompt_tokens: Pair;
    difference: Hunk[];
  }[];
}

/** Something that was done with a policy. */
export interface PolicyEvent {
  at: string;
  what: string;
  interface: string;
  digest: string;
  name?: string | null;
  note?: string | null;
}

/** What the server answered when it could not do what it was asked for. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }
}

const ROOT = "/api/v1";

/** The status of an answer that did not come. */
const UNREACHABLE = 0;

/** Whether the server could not be asked: what it knows by now is not known here. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  // A gateway tells it in words of its own, and the server while it starts in these.
  const gateway = [502, 503, 504].includes(error.status) && error.code === "unknown";
  return error.status === UNREACHABLE || gateway || error.code === "starting";
}

/** What an answer ends with whose connection does. */
function brokenOff(): ApiError {
  return new ApiError("The connection to the server broke off.", UNREACHABLE, "broken_off");
}

async function failure(response: Response): Promise<ApiError> {
  if (response.status === 401) lock();
  try {
    const { error } = await response.json();
    return new ApiError(error.message, response.status, error.code);
  } catch {
    return new ApiError(`the server answered with ${response.status}`, response.status, "unknown");
  }
}

/** Asks for a key, or for another one: the one that was sent is of no use. */
function lock(): void {
  const refused = key.isKnown() || read().gate === "refused";
  key.set(null);
  set({ gate: refused ? "refused" : "wanted" });
}

async function ask<T>(
  method: string,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null,
): Promise<T> {
  // The browser itself says of a form, and of a file, what it is.
  const isForm = body instanceof FormData || body instanceof Blob;
  const isJson = body !== undefined && !isForm;
  const headers = key.headers(isJson ? { "content-type": "application/json" } : {});
  const response = await fetch(ROOT + path, {
    method,
    headers,
    body: isForm ? body : isJson ? JSON.stringify(body) : null,
    signal,
    // What is under way when the page is left still arrives.
    keepalive: method === "DELETE",
  }).catch(() => {
    throw new ApiError("The server does not answer; is it running?", UNREACHABLE, "unreachable");
  });
  if (!response.ok) throw await failure(response);
  if (response.status === 204) return undefined as T;
  // A connection may end within an answer too.
  return (await response.json().catch(() => Promise.reject(brokenOff()))) as T;
}

const LIST_MAX = 1000;

/** A whole list that the server shows in parts, or as much of it as is wanted. */
async function all<T>(path: string, from = 0, most = Infinity): Promise<T[]> {
  const list: T[] = [];
  for (;;) {
    const limit = Math.min(LIST_MAX, most - list.length);
    const part = await ask<T[]>("GET", `${path}?skip=${from + list.length}&limit=${limit}`);
    list.push(...part);
    if (part.length < limit || list.length >= most) return list;
  }
}

export const api = {
  sessions: () => all<Session>("/sessions"),
  session: (id: string) => ask<Session>("GET", `/sessions/${id}`),
  createSession: () => ask<Session>("POST", "/sessions", {}),
  renameSession: (id: string, name: string | null) =>
    ask<Session>("PATCH", `/sessions/${id}`, { name }),
  deleteSession: (id: string) => ask<void>("DELETE", `/sessions/${id}`),
  setMemory: (id: string, enabled: boolean) =>
    ask<Session>("PUT", `/sessions/${id}/memory`, { enabled }),
  instruct: (id: string, instruction: string | null) =>
    ask<Session>("PUT", `/sessions/${id}/instruction`, { instruction }),
  messages: (id: string, from = 0) => all<Message>(`/sessions/${id}/messages`, from),
  /** What was said in all chats, at most `each` of one. */
  findMessages: (text: string, each: number, from: number, most: number) =>
    ask<Message[]>(
      "GET",
      `/messages?each=${each}&skip=${from}&limit=${most}&query=${encodeURIComponent(text)}`,
    ),
  cancel: (id: string) => ask<{ cancelled: number }>("POST", `/sessions/${id}/cancel`),
  memories: (id: string, most: number) => all<Memory>(`/sessions/${id}/memories`, 0, most),
  findMemories: (id: string, query: string) =>
    ask<Memory[]>(
      "GET",
      `/sessions/${id}/memories?limit=50&query=${encodeURIComponent(query)}`,
    ),
  forgetMemory: (id: string, message: number) =>
    ask<void>("DELETE", `/sessions/${id}/memories/${message}`),
  receipt: (id: string, message: number) =>
    ask<Receipt>("GET", `/sessions/${id}/messages/${message}/receipt`),
  replay: (id: string, message: number) =>
    ask<Again>("POST", `/sessions/${id}/messages/${message}/replay`),
  whatIf: (id: string, message: number, without: { messages?: number[]; passages?: number[] }) =>
    ask<WhatIf>("POST", `/sessions/${id}/messages/${message}/what-if`, without),
  documents: () => all<Document>("/documents"),
  upload: (file: File) => {
    const form = new FormData();
    form.append("file", file, file.name);
    type Stored = { documents: (Document & { duplicate: boolean })[]; error?: Error | null };
    return ask<Stored>("POST", "/documents", form);
  },
  renameDocument: (id: string, name: string) => ask<Document>("PATCH", `/documents/${id}`, { name }),
  deleteDocument: (id: string) => ask<void>("DELETE", `/documents/${id}`),
  excerpt: (id: string, start: number, end: number) =>
    ask<Excerpt>("GET", `/documents/${id}/text?start=${start}&end=${end}`),
  link: (session: string, document: string) =>
    ask<Session>("PUT", `/sessions/${session}/documents/${document}`),
  unlink: (session: string, document: string) =>
    ask<Session>("DELETE", `/sessions/${session}/documents/${document}`),
  models: () => ask<{ models: ModelFile[] }>("GET", "/llm/models"),
  loadModel: (model: string) => ask<unknown>("POST", "/llm/load", { model }),
  generation: () => ask<Generation>("GET", "/llm/config"),
  setGeneration: (change: Partial<Generation>) => ask<Generation>("PUT", "/llm/config", change),
  draft: (session: string | null, draft: Drafted, signal: AbortSignal) =>
    ask<Draft>("POST", session ? `/sessions/${session}/draft` : "/draft", draft, signal),
  measure: (asked: Measure) => ask<Measured>("POST", "/llm/measure", asked),
  policies: () => ask<Policies>("GET", "/policies"),
  policyLog: () => ask<{ events: PolicyEvent[] }>("GET", "/policies/log?limit=20"),
  addPolicy: (file: File) => {
    const name = file.name.replace(/\.wasm$/, "").slice(0, 60) || "policy";
    const component = new Blob([file], { type: "application/wasm" });
    return ask<Policy>("POST", `/policies?name=${encodeURIComponent(name)}`, component);
  },
  usePolicy: (digest: string) => ask<Policy>("POST", `/policies/${digest}/activate`, {}),
  rollBackPolicy: (hook: string) => ask<Policy>("POST", "/policies/rollback", { interface: hook }),
  tryPolicy: (digest: string) => ask<ShadowReport>("POST", `/policies/${digest}/shadow`, {}),
  givePolicyShare: (digest: string, percent: number, errors_max: number) =>
    ask<Policy>("PUT", `/policies/${digest}/canary`, { percent, errors_max }),
  takePolicyBack: (digest: string) => ask<Policy>("DELETE", `/policies/${digest}/canary`),
  removePolicy: (digest: string) => ask<void>("DELETE", `/policies/${digest}`),
  modelStatus: () => ask<ModelStatus>("GET", "/llm/status"),
};

/** What one is about to say, and the most tokens of its prompt. */
export interface Drafted {
  content: string;
  prompt_tokens_max?: number;
}

/** What to say, and which earlier message it takes the place of. */
export interface Sending {
  content: string;
  supersedes?: number;
}

/**
 * Posts a message, and hands on the events of the answer as they come. Ends when the answer does.
 */
export async function send(
  session: string,
  sending: Sending,
  signal: AbortSignal,
  on: (event: StreamEvent) => void,
): Promise<void> {
  const response = await fetch(`${ROOT}/sessions/${session}/messages`, {
    method: "POST",
    headers: key.headers({ "content-type": "application/json", accept: "text/event-stream" }),
    body: JSON.stringify({ role: "user", ...sending }),
    signal,
  }).catch(() => {
    throw brokenOff();
  });
  if (!response.ok || !response.body) throw await failure(response);
  const reader = new EventReader();
  const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await text.read().catch(() => {
        throw brokenOff();
      });
      if (done) return;
      reader.push(value).forEach(on);
    }
  } finally {
    // Nobody reads on after a failure.
    await text.cancel().catch(() => undefined);
  }
}
