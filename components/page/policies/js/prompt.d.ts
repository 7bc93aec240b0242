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
  describe(name: AssemblyName): Description;
  assemble(name: AssemblyName, request: AssemblyRequest): Plan;
  truncate(request: TruncationRequest): Kept[];
}

export interface Draft {
  /** The layout to use. Where the model's template cannot express it, the classic one is used. */
  layout: AssemblyName;
  /** `spanTokens` has the tokens of each kept span. */
  passages: (Passage & { spanTokens: number[] })[];
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

/** Lays out a prompt, measures it, and cuts it so that it fits: the steps of a turn. */
export function compose(policies: Policies, draft: Draft, tokenizer: Tokenizer): Promise<Prompt>;

/** A prompt as people read it: messages under their roles; plain text as it stands. */
export function render(prompt: Prompt): string;
