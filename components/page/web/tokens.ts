/** Whether what is being written fits into the model. */
import { useEffect, useState } from "react";
import { api, type ModelStatus } from "./api";

/** Who types is left in peace for so long. */
const WAIT_MILLIS = 400;

export interface Tokens {
  count: number;
  most: number;
  exact: boolean;
}

/** What is said of a message that does not fit. */
export function tooMany({ count, most, exact }: Tokens): string {
  const has = `${exact ? "" : "about "}${count.toLocaleString()}`;
  const can = most.toLocaleString();
  return `The model can read ${can} tokens, and this has ${has}: it needs to be shorter.`;
}

/** The tokens of a text that are too many for the model; null where they fit, or nobody knows. */
export function useTokens(text: string, model: ModelStatus | null): Tokens | null {
  const [tokens, setTokens] = useState<Tokens | null>(null);
  const isReady = model?.status === "ready" && model.context_tokens > 0;
  const most = isReady ? model.context_tokens - model.generation_config.max_new_tokens : 0;
  const exact = model?.exact_counts ?? false;
  useEffect(() => {
    setTokens(null);
    // A token has a byte at least; so most texts need not be counted.
    if (most <= 0 || new TextEncoder().encode(text).length <= most) return;
    let stale = false;
    const count = async () => {
      const [count = 0] = (await api.measure({ texts: [text] })).tokens ?? [];
      if (!stale && count > most) setTokens({ count, most, exact });
    };
    // Without the warning the server says so itself.
    const timer = setTimeout(() => void count().catch(() => undefined), WAIT_MILLIS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [text, most, exact]);
  return tokens;
}
