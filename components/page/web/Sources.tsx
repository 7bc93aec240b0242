import { useEffect, useRef, useState } from "react";
import { api, type Excerpt, type Message, type Metadata } from "./api";
import { Icon } from "./icons";
import { heading, sources, type Source } from "./citations";
import { actions } from "./store";
import { cut } from "./text";
import { said } from "./time";

interface Props {
  metadata: Metadata;
  messages: Message[];
  /** The number of the source that is to be shown. */
  chosen?: number | null;
  onChosen?: (number: number | null) => void;
}

/** What a reply rests on, each with its passage. */
export function Sources({ metadata, messages, chosen = null, onChosen }: Props) {
  const box = useRef<HTMLDetailsElement>(null);
  const list = sources(metadata);
  const degraded = metadata.degraded ?? [];

  useEffect(() => {
    if (chosen === null || !box.current) return;
    box.current.open = true;
    const item = box.current.querySelector(`[data-number="${chosen}"]`);
    item?.scrollIntoView({ block: "nearest" });
    item?.classList.add("found");
    setTimeout(() => item?.classList.remove("found"), 1_600);
    onChosen?.(null);
  }, [chosen, onChosen]);

  return (
    <>
      {list.length > 0 && (
        <details
          className="sources"
          ref={box}
          // What was asked for is not left behind the message box.
          onToggle={({ currentTarget: it }) => it.open && it.scrollIntoView({ block: "nearest" })}
        >
          <summary>
            <Icon name={list.some(({ kind }) => kind === "document") ? "file" : "memory"} />
            {heading(list)}
            <Icon name="down" />
          </summary>
          <ul>
            {list.map((source) =>
              source.kind === "document" ? (
                <Passage key={`passage-${source.passage_id}`} source={source} />
              ) : (
                <Memory key={`message-${source.message_id}`} source={source} messages={messages} />
              ),
            )}
          </ul>
        </details>
      )}
      {degraded.length > 0 && (
        <details className="sources degraded">
          <summary>
            Answered with less than usual
            <Icon name="down" />
          </summary>
          <ul>
            {degraded.map((one) => (
              <li key={one.part + one.reason}>
                <strong>{one.part}</strong>: {one.reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Number({ source }: { source: Source }) {
  return source.number === null ? null : <span className="cited-number">{source.number}</span>;
}

/** More letters than these may not fit into what is seen of a source. */
const LETTERS_SEEN = 400;

/** A text with what the model read of it, and what the reply draws on. */
function Text({ text, source, start = 0 }: { text: string; source: Source; start?: number }) {
  const moved = (spans: [number, number][]): [number, number][] =>
    spans.map(([from, to]) => [from - start, to - start]);
  const spans = source.drawn.length > 0 ? source.drawn : source.spans;
  return (
    // What scrolls is reached by the keyboard too.
    <blockquote tabIndex={text.length > LETTERS_SEEN ? 0 : undefined}>
      {cut(text, moved(spans)).map((part, at) =>
        part.used ? <mark key={at}>{part.text}</mark> : <span key={at}>{part.text}</span>,
      )}
    </blockquote>
  );
}

function Memory({ source, messages }: { source: Source; messages: Message[] }) {
  const message = messages.find((other) => other.id === source.message_id);
  if (!message) {
    return (
      <li data-number={source.number}>
        <p className="hint">This message is no longer part of the chat.</p>
      </li>
    );
  }
  return (
    <li data-number={source.number}>
      <p className="meta">
        <span>
          <Number source={source} />
          {message.role === "user" ? "You" : "Loci"} said {said(message.timestamp)}
        </span>
        <GoThere message={message.id} />
      </p>
      <Text text={message.content} source={source} />
    </li>
  );
}

/** Bytes of a document that are shown around what was read of it. */
const AROUND = 240;

function Passage({ source }: { source: Source }) {
  const [excerpt, setExcerpt] = useState<Excerpt | null>(null);
  const [gone, setGone] = useState(false);
  const { document_id, spans } = source;
  const from = Math.max(0, Math.min(...spans.map(([start]) => start)) - AROUND);
  const to = Math.max(...spans.map(([, end]) => end)) + AROUND;
  useEffect(() => {
    if (!document_id || spans.length === 0) return;
    api.excerpt(document_id, from, to).then(setExcerpt, () => setGone(true));
  }, [document_id, from, to, spans.length]);
  const place = [source.page && `page ${source.page}`, ...(source.headings ?? [])].filter(Boolean);
  return (
    <li data-number={source.number}>
      <p className="meta">
        <span>
          <Number source={source} />
          <strong>{source.document_name}</strong>
          {place.length > 0 && ` · ${place.join(" › ")}`}
        </span>
      </p>
      {excerpt && <Text text={excerpt.text} source={source} start={excerpt.start} />}
      {gone && <p className="hint">This document is not there any more.</p>}
    </li>
  );
}

/** Shows a message in the conversation. */
export function GoThere({ message }: { message: number }) {
  return (
    <button className="link" onClick={() => actions.jump(message)}>
      Go there
    </button>
  );
}
