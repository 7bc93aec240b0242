import type { Role, Span } from "./policies.js";
import type { Tokenizer } from "./prompt.js";

/** What `POST /api/v1/llm/measure` is asked. */
export interface Measure {
  texts?: string[];
  roles?: Role[];
  clip?: { text: string; tokens_max: number; side: "beginning" | "end" };
}

/** What it answers: a field for each that was asked, and the digest of the model. */
export interface Measured {
  model: string;
  tokens?: number[];
  frame?: number[] | null;
  span?: Span;
}

/** Thrown where another model measured than the one that was meant. */
export class ModelChanged extends Error {}

/** Measures with the model of this digest, and asks for nothing twice. */
export function tokenizer(measure: (asked: Measure) => Promise<Measured>, model: string): Tokenizer;
