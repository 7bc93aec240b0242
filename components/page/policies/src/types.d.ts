/** A layout that ships. */
export type AssemblyName =
  | "prompt-assembly"
  | "prompt-assembly-classic"
  | "prompt-assembly-compact"
  | "prompt-assembly-recency";

/** What a passage is in the prompt. */
export type Kind = "instruction" | "document" | "memory" | "history" | "query";

/** Who said it. */
export type Role = "system" | "user" | "assistant";

/** `[start, end)`, in bytes of the UTF-8 text. */
export interface Span {
  start: number;
  end: number;
}

/** A piece of text that may go into the prompt. */
export interface Passage {
  /** Its name within one request. */
  id: number;
  kind: Kind;
  role: Role;
  /** The turn it was said in; 0 where that has no meaning. */
  turn: number;
  /** How relevant it is to the query; 0 where it was not ranked. */
  score: number;
  /** Seconds since 1970. */
  saidAt?: number;
  /** The tokens of the kept spans. */
  tokens: number;
  text: string;
  /** Ordered, disjoint spans; the whole text is one, an empty text has none. */
  kept: Span[];
}

export interface AssemblyRequest {
  /** Instruction, documents and memories (best first), history (oldest first), query. */
  passages: Passage[];
  /** Seconds since 1970. */
  now: number;
}

/** How much history a layout wants: see `wit/policy/assembly.wit`. */
export interface Window {
  turns: number;
  block: number;
  percent: number;
}

export interface Description {
  name: string;
  /** The only words that the layout can add. */
  literals: string[];
  history: Window;
  digest: string;
}

/** What holds a part in the prompt. */
export type Anchor =
  | { tag: "always" }
  | { tag: "section"; val: Kind }
  | { tag: "passage"; val: number };

export type Part =
  | { tag: "words"; val: { literal: number; anchor: Anchor } }
  | { tag: "excerpt"; val: { passage: number; span: Span } }
  | { tag: "said-on"; val: number };

export interface Message {
  role: Role;
  parts: Part[];
}

export interface Plan {
  layout: { tag: "chat"; val: Message[] } | { tag: "text"; val: Part[] };
  digest: string;
}

/** One measured piece of a prompt. */
export interface Item {
  content:
    | { tag: "excerpt"; val: { passage: number; kind: Kind } }
    | { tag: "fixed"; val: Anchor };
  tokens: number;
}

export interface TruncationRequest {
  items: Item[];
  /** The most tokens that may be kept. */
  budget: number;
}

/** `count` tokens from token `first` on; a count of 0 drops the item. */
export interface Kept {
  first: number;
  count: number;
}

export interface Candidate {
  id: number;
  kind: "document" | "memory";
  role: Role;
  /** The name of who said it. */
  name?: string;
  saidAt?: number;
  /** The candidate that was said right before it. */
  follows?: number;
  /** Cosine to the query. */
  dense?: number;
  /** Mean cosine to what the dense search found. */
  common?: number;
  /** BM25. */
  lexical?: number;
  /** The length of the text, of which `text` is the beginning. */
  bytes: number;
  text: string;
}

export interface RankingRequest {
  query: string;
  now: number;
  candidates: Candidate[];
  most: number;
}

export interface Choice {
  id: number;
  score: number;
}

export interface CondensationRequest {
  query: string;
  sources: { text: string; tokens: number; tokensMax: number }[];
}

/** The `payload` of what is thrown where a policy refuses. */
export type PolicyError =
  | { tag: "incomplete-request" }
  | { tag: "does-not-fit"; val: { needed: number; budget: number } };

/** Something near a query. `slack` is how far its score may be off. */
export interface Hit {
  /** The place of its scope in the list that was searched. */
  scope: number;
  id: bigint;
  score: number;
  slack?: number;
}
