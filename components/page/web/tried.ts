/** The prompt of what is being written, put together in the browser by the policies that ship. */
import { useEffect, useState } from "react";
import type { AssemblyName } from "loci-policies";
import type { Chosen, Draft, Policies, Prompt, Tokenizer } from "loci-policies/prompt";
import { api } from "./api";
import type { Filled } from "./receipt";

/** Who types is left in peace for so long. */
const WAIT_MILLIS = 120;

/** What one can try: nothing said is what the server would do. */
export interface Trial {
  budget: number | null;
  memories: number | null;
  documents: number | null;
  layout: AssemblyName | null;
}

/** The layouts that can be tried. The first is the one that ships in use. */
export const LAYOUTS: [AssemblyName, string][] = [
  ["prompt-assembly", "The default"],
  ["prompt-assembly-recency", "Fresh context first"],
  ["prompt-assembly-compact", "Few words, for a small context"],
  ["prompt-assembly-classic", "Plain text"],
];

export interface Tried {
  draft: Draft;
  passages: Chosen[];
  prompt: Prompt;
  filled: Filled;
}

interface Package {
  policies: Policies;
  choose: typeof import("loci-policies/prompt").choose;
  compose: typeof import("loci-policies/prompt").compose;
  meter: (model: string) => Tokenizer;
}

let loading: Promise<Package> | null = null;

/** The policies, which are loaded when they are first asked for. */
function load(): Promise<Package> {
  const load = async () => {
    const [policies, { choose, compose }, { tokenizer }] = await Promise.all([
      import("loci-policies"),
      import("loci-policies/prompt"),
      import("loci-policies/server"),
    ]);
    await policies.default();
    const meters = new Map<string, Tokenizer>();
    const meter = (model: string) => {
      const known = meters.get(model) ?? tokenizer(api.measure, model);
      meters.clear();
      meters.set(model, known);
      return known;
    };
    return { policies, choose, compose, meter };
  };
  loading ??= load().catch((error: unknown) => {
    // What could not be fetched may be there the next time.
    loading = null;
    throw error;
  });
  return loading;
}

/** The most tokens that a prompt may have at all. */
export function roomOf({ model, reply_tokens_max }: Draft): number {
  return model.context_tokens - reply_tokens_max;
}

async function compose(draft: Draft, trial: Trial): Promise<Tried> {
  const { policies, choose, compose, meter } = await load();
  const tokenizer = meter(draft.model.digest);
  const most = {
    ...(trial.memories !== null && { memories: trial.memories }),
    ...(trial.documents !== null && { documents: trial.documents }),
  };
  const passages = await choose(policies, draft, tokenizer, most);
  const budget = Math.min(trial.budget ?? draft.budget, roomOf(draft));
  const layout = trial.layout ?? LAYOUTS[0]![0];
  const asked = { layout, passages, now: draft.now, budget };
  const prompt = await compose(policies, asked, tokenizer);
  return { draft, passages, prompt, filled: fill(draft, passages, prompt, budget) };
}

/** What became of each passage, as a receipt tells it. */
function fill(draft: Draft, passages: Chosen[], prompt: Prompt, budget: number): Filled {
  const kept = new Map<number, number>();
  for (const { passage, tokens } of prompt.lines.flatMap(({ pieces }) => pieces)) {
    if (passage !== undefined) kept.set(passage, (kept.get(passage) ?? 0) + tokens);
  }
  const told = passages.map(({ id, kind, tokens }) => {
    return { kind, tokens, kept_tokens: kept.get(id) ?? 0 };
  });
  const history = told.filter(({ kind }) => kind === "history");
  return {
    context_tokens: draft.model.context_tokens,
    budget,
    usage: { prompt_tokens: prompt.tokens },
    history: { tokens: history.reduce((sum, { kept_tokens }) => sum + kept_tokens, 0) },
    passages: told,
  };
}

/** The prompt that these words would be sent in, a moment after they were typed. */
export function useTried(session: string | null, content: string, trial: Trial) {
  const [draft, setDraft] = useState<Draft | null>(null);
  const [tried, setTried] = useState<Tried | null>(null);
  const [error, setError] = useState<string | null>(null);
  const { budget, memories, documents, layout } = trial;

  useEffect(() => {
    const abort = new AbortController();
    const ask = async () => {
      const asked = { content, ...(budget !== null && { prompt_tokens_max: budget }) };
      setDraft(await api.draft(session, asked, abort.signal));
    };
    const told = (cause: Error) => abort.signal.aborted || setError(cause.message);
    const timer = setTimeout(() => {
      if (content) ask().catch(told);
      else setDraft(null);
    }, content ? WAIT_MILLIS : 0);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [session, content, budget]);

  useEffect(() => {
    let stale = false;
    const show = (tried: Tried | null, error: string | null) => {
      if (stale) return;
      setTried(tried);
      setError(error);
    };
    if (!draft) show(null, null);
    else {
      compose(draft, { budget, memories, documents, layout }).then(
        (tried) => show(tried, null),
        (cause: Error) => show(null, `${cause.message}.`),
      );
    }
    return () => {
      stale = true;
    };
  }, [draft, budget, memories, documents, layout]);
  return { draft, tried, error };
}
