import { useEffect, useState } from "react";
import { api, type Passage, type Receipt, type Session } from "./api";
import { Replayed, Without } from "./Again";
import { Panel } from "./Panel";
import { Picture } from "./Picture";
import { duration, fullness, inOrder } from "./receipt";
import { chatOf, useStore } from "./store";
import { said } from "./time";

export function ReceiptPanel({ session, message }: { session: Session; message: number }) {
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    api.receipt(session.id, message).then(setReceipt, (cause: Error) => setError(cause.message));
  }, [session.id, message]);
  return (
    <Panel title="Why this reply">
      {error && <p className="failure">{error}</p>}
      {receipt && (
        <Picture filled={receipt}>
          The prompt took <strong>{receipt.usage.prompt_tokens.toLocaleString()}</strong> of the{" "}
          {receipt.budget.toLocaleString()} tokens that it may have: {fullness(receipt)} %.
          {receipt.usage.cached_tokens > 0 && (
            <> The model still knew {receipt.usage.cached_tokens.toLocaleString()} of them from before.</>
          )}
        </Picture>
      )}
      {receipt && <Passages receipt={receipt} session={session} />}
      {receipt && <Facts receipt={receipt} />}
      {receipt && <Replayed session={session.id} message={message} />}
      {receipt && <Prompt receipt={receipt} />}
    </Panel>
  );
}

const KINDS: Record<Passage["kind"], string> = {
  instruction: "Instruction",
  document: "Document",
  memory: "Memory",
  history: "Recent turn",
  query: "Your message",
};

function Passages({ receipt, session }: { receipt: Receipt; session: Session }) {
  const messages = chatOf(useStore(), session.id).messages ?? [];
  const reply = messages.find((message) => message.id === receipt.message_id);
  const nameOf = ({ passage_id }: Passage) =>
    passage_id && reply?.metadata?.consulted?.find((one) => one.passage_id === passage_id);
  const shown = receipt.passages.filter((one) => one.kind !== "instruction" && one.kind !== "query");
  if (shown.length === 0) return null;
  return (
    <section>
      <h3>What was considered</h3>
      <ul className="passages">
        {shown.map((passage, at) => {
          const source = messages.find((message) => message.id === passage.message_id);
          const file = nameOf(passage);
          return (
            <li key={at} className={passage.state}>
              <p className="meta">
                <span className={`swatch ${passage.kind}`} aria-hidden="true" />
                <span>
                  {KINDS[passage.kind]}
                  {source && `, said ${said(source.timestamp)}`}
                  {file && ` · ${file.document_name}`}
                </span>
                <span className="number">{outcome(passage)}</span>
              </p>
              {source && <p className="text">{source.content}</p>}
              {passage.state !== "dropped" && (
                <Without session={session.id} message={receipt.message_id} passage={passage} />
              )}
              {passage.reason && <p className="hint">{sentence(passage.reason)}</p>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function outcome(passage: Passage): string {
  if (passage.state === "dropped") return "left out";
  if (passage.state === "cut") return `${passage.kept_tokens} of ${passage.tokens} tokens`;
  return `${passage.kept_tokens} tokens${passage.condensed ? ", condensed" : ""}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function Facts({ receipt }: { receipt: Receipt }) {
  const stages = inOrder(receipt.stages_us);
  const longest = Math.max(1, ...stages.map(([, micros]) => micros));
  return (
    <section>
      <h3>How it came about</h3>
      <dl className="facts">
        <dt>Model</dt>
        <dd>{receipt.model.name}</dd>
        {Object.entries(receipt.policies).map(([hook, policy]) => (
          <div key={hook}>
            <dt>{sentence(hook).slice(0, -1)} policy</dt>
            <dd>
              {policy.name} <code>{policy.digest.slice(0, 12) || "built in"}</code>
            </dd>
          </div>
        ))}
        {receipt.embedding_model && (
          <>
            <dt>Memory</dt>
            <dd>{receipt.embedding_model.name}</dd>
          </>
        )}
      </dl>
      <ul className="stages">
        {stages.map(([stage, micros]) => (
          <li key={stage}>
            <span>{stage}</span>
            <span className="track" aria-hidden="true">
              <span style={{ width: `${(100 * micros) / longest}%` }} />
            </span>
            <span className="number">{duration(micros)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The prompt, word for word. */
function Prompt({ receipt }: { receipt: Receipt }) {
  const lines = receipt.messages ?? [{ role: "prompt", content: receipt.prompt }];
  return (
    <details className="prompt">
      <summary>The whole prompt, word for word</summary>
      {lines.map((line, at) => (
        <div key={at}>
          <h4>{line.role}</h4>
          <pre tabIndex={0}>{line.content}</pre>
        </div>
      ))}
    </details>
  );
}
