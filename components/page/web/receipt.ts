import type { Receipt } from "./api";
import { plural } from "./text";

/** A part of the model's context, in tokens. */
export interface Share {
  kind: "instruction" | "document" | "memory" | "history" | "query" | "words" | "free" | "reply";
  label: string;
  tokens: number;
}

/** What of a receipt tells how full the context is. */
export type Filled = Pick<Receipt, "context_tokens" | "budget"> & {
  usage: Pick<Receipt["usage"], "prompt_tokens">;
  history: Pick<Receipt["history"], "tokens">;
  passages: Pick<Receipt["passages"][number], "kind" | "tokens" | "kept_tokens">[];
};

/** How the context of a turn was filled, in the order in which a prompt is laid out. */
export function shares(receipt: Filled): Share[] {
  const kept = (kind: string) => {
    const list = receipt.passages.filter((passage) => passage.kind === kind);
    return list.reduce((sum, passage) => sum + passage.kept_tokens, 0);
  };
  const prompt = receipt.usage.prompt_tokens;
  const known: Share[] = [
    { kind: "instruction", label: "Instruction", tokens: kept("instruction") },
    { kind: "history", label: "Recent turns", tokens: receipt.history.tokens },
    { kind: "document", label: "Documents", tokens: kept("document") },
    { kind: "memory", label: "Memories", tokens: kept("memory") },
    { kind: "query", label: "Your message", tokens: kept("query") },
  ];
  const sum = known.reduce((total, share) => total + share.tokens, 0);
  const free = Math.max(0, receipt.budget - prompt);
  const reserved = Math.max(0, receipt.context_tokens - receipt.budget);
  return [
    ...known,
    { kind: "words" as const, label: "Headings and template", tokens: Math.max(0, prompt - sum) },
    { kind: "free" as const, label: "Free", tokens: free },
    { kind: "reply" as const, label: "Kept for the reply", tokens: reserved },
  ].filter((share) => share.tokens > 0);
}

const CUT: Record<string, [string, string]> = {
  history: ["recent turn", "recent turns"],
  memory: ["memory", "memories"],
  document: ["document passage", "document passages"],
};

/** What there was no room for: so many passages of a kind, and their tokens. */
export function losses(receipt: Filled): { text: string; tokens: number }[] {
  return Object.entries(CUT).flatMap(([kind, [one, many]]) => {
    const cut = receipt.passages.filter((it) => it.kind === kind && it.kept_tokens < it.tokens);
    const tokens = cut.reduce((sum, it) => sum + it.tokens - it.kept_tokens, 0);
    return cut.length > 0 ? [{ text: plural(cut.length, one, many), tokens }] : [];
  });
}

/** How much of the budget the prompt takes, in percent. */
export function fullness(receipt: Filled): number {
  return receipt.budget ? Math.round((100 * receipt.usage.prompt_tokens) / receipt.budget) : 0;
}

/** A time of so many microseconds, as people read it. */
export function duration(micros: number): string {
  if (micros < 1_000) return `${Math.round(micros)} µs`;
  if (micros < 1_000_000) return `${(micros / 1_000).toFixed(micros < 10_000 ? 1 : 0)} ms`;
  return `${(micros / 1_000_000).toFixed(1)} s`;
}

/** The stages of a turn in the order in which they follow each other; unknown ones come last. */
export function inOrder(stages: Record<string, number>): [string, number][] {
  const order = ["store", "wait", "history", "recall", "condense", "assemble", "truncate", "generate"];
  const place = (name: string) => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  return Object.entries(stages).sort(([one], [other]) => place(one) - place(other));
}
