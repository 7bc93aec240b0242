import type {
  AssemblyName,
  Description,
  Passage,
  Plan,
  Role,
  Span,
  TruncationRequest,
  Kept,
  AssemblyRequest,
  RankingRequest,
  CondensationRequest,
  Choice as Ranked,
} from "./policies.js";

/** What measures: the tokenizer of the model that is to read the prompt. */
export interface Tokenizer {
  /** The tokens of each text, measured by itself. */
  count(texts: string[]): Promise<number[]>;
  /**
   * What the chat template writes before each message, and after the last; for no roles, the
   * markers that plain text begins with. `null` if it cannot express these roles in this order.
   */
  frame(roles: Role[]): Promise<number[] | null>;
  /** The longest beginning or end of a text with at most so many tokens: bytes of its UTF-8. */
  clip(text: string, tokensMax: number, side: "beginning" | "end"): Promise<Span>;
}

/** What decides: the module of this package, or anything else that keeps the interface. */
export interface Policies {
  rank(request: RankingRequest): Ranked[];
  condense(request: CondensationRequest): Span[][];
  describe(name: AssemblyName): Description;
  assemble(name: AssemblyName, request: AssemblyRequest): Plan;
  truncate(request: TruncationRequest): Kept[];
}

/** A message that the server found, or a passage of a document; times in seconds since 1970. */
export interface Found {
  text: string;
  tokens: number;
  message_id?: number;
  passage_id?: number;
  document_id?: string;
  document_name?: string;
  headings?: string[];
  page?: number;
  turn?: number;
  role?: Role;
  said_at?: number;
  name?: string;
  /** The message right before it, where that is a candidate too. */
  follows?: number;
  dense?: number;
  common?: number;
  lexical?: number;
}

/** What can be chosen, the most of it that the server would choose, and the most tokens of each. */
export interface Choice {
  most: number;
  tokens_max: number;
  candidates: Found[];
}

/** What a prompt would be made of: what a server answers to `POST /api/v1/sessions/ID/draft`. */
export interface Draft {
  turn: number;
  now: number;
  model: { name: string; digest: string; context_tokens: number; exact_counts: boolean };
  /** The most tokens of the prompt. */
  budget: number;
  reply_tokens_max: number;
  instruction: { text: string; tokens: number };
  /** The recent turns that stand in the prompt as they are, oldest first. */
  history: Found[];
  /** The tokens that all notes may have, and those of the label of each. */
  notes: { tokens_max: number; label: number };
  memories: Choice;
  documents: Choice;
  query: { text: string; tokens: number };
  /** What was searched for: the query, after what it refers to. */
  searched: string;
  degraded: { part: string; reason: string }[];
}

/** A passage with the tokens of each kept span, and what it was made of. */
export type Chosen = Passage & { spanTokens: number[]; found?: Found };

export interface Asked {
  /** The layout to use. Where the model's template cannot express it, the classic one is used. */
  layout: AssemblyName;
  passages: Chosen[];
  /** Seconds since 1970. */
  now: number;
  /** The most tokens of the prompt. */
  budget: number;
}

/** A piece of the prompt: words of the layout, or a span of a passage. */
export interface Piece {
  text: string;
  tokens: number;
  passage?: number;
  span?: Span;
}

export interface Line {
  role: Role;
  pieces: Piece[];
}

export interface Prompt {
  /** Who laid it out. */
  layout: AssemblyName;
  /** Messages; one without meaning for its role if it is plain text. */
  lines: Line[];
  isChat: boolean;
  tokens: number;
  templateTokens: number;
}

/** Thrown where what must stay is longer than the budget. */
export class DoesNotFit extends Error {
  needed: number;
  budget: number;
}

/**
 * Chooses the passages of a prompt, with at most so many memories and passages of documents, and
 * shortens what is long.
 */
export function choose(
  policies: Policies,
  draft: Draft,
  tokenizer: Tokenizer,
  most?: { memories?: number; documents?: number },
): Promise<Chosen[]>;

/** Lays out a prompt, measures it, and cuts it so that it fits: the steps of a turn. */
export function compose(policies: Policies, asked: Asked, tokenizer: Tokenizer): Promise<Prompt>;

/** A prompt as people read it: messages under their roles; plain text as it stands. */
export function render(prompt: Prompt): string;
