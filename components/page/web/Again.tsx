import { useState } from "react";
import { api, type Again, type Hunk, type Passage, type WhatIf } from "./api";

interface Props {
  session: string;
  message: number;
}

/** Puts the prompt of a reply together again, and says whether it is the same. */
export function Replayed({ session, message }: Props) {
  const [again, setAgain] = useState<Again | null>(null);
  const [error, setError] = useState<string | null>(null);
  const ask = () =>
    api.replay(session, message).then(setAgain, (cause: Error) => setError(cause.message));
  return (
    <section className="again">
      <h3>Is this true?</h3>
      <p className="hint">
        The prompt can be put together again, from what was written down when it was sent, by the
        same policies.
      </p>
      <button disabled={again !== null} onClick={() => void ask()}>
        Put it together again
      </button>
      <div role="status">
        {again?.identical && <p className="proof">It is the same, bit for bit.</p>}
        {again && !again.identical && <p className="failure">It is another: {again.reason}.</p>}
        {again && <Difference hunks={again.difference} />}
        {error && <p className="failure">{error}</p>}
      </div>
    </section>
  );
}

/** How the prompt would have been without one of its passages. */
export function Without({ session, message, passage }: Props & { passage: Passage }) {
  const [found, setFound] = useState<WhatIf | null>(null);
  const [error, setError] = useState<string | null>(null);
  const without = passage.passage_id
    ? { passages: [passage.passage_id] }
    : { messages: passage.message_id === null ? [] : [passage.message_id] };
  const ask = () =>
    api.whatIf(session, message, without).then(setFound, (cause: Error) => setError(cause.message));
  if (error) return <p className="failure">{error}</p>;
  if (!found) {
    return (
      <button className="link" onClick={() => void ask()}>
        What if this had not been there?
      </button>
    );
  }
  const { before, after } = found.prompt_tokens;
  return (
    <div className="without" role="status">
      <p className="hint">
        The prompt would have had {after.toLocaleString()} tokens, not {before.toLocaleString()}.
      </p>
      <Difference hunks={found.difference} />
    </div>
  );
}

/** Lines that stand in one of two prompts only. */
export function Difference({ hunks }: { hunks: Hunk[] }) {
  if (hunks.length === 0) return null;
  return (
    <pre className="difference" tabIndex={0}>
      {hunks.map((hunk) => (
        <span key={hunk.line}>
          {hunk.removed.map((line, at) => (
            <del key={at}>{line}{"\n"}</del>
          ))}
          {hunk.added.map((line, at) => (
            <ins key={at}>{line}{"\n"}</ins>
          ))}
        </span>
      ))}
    </pre>
  );
}
