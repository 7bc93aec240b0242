import { memo, useState } from "react";
import type { Message } from "./api";
import { Icon } from "./icons";
import { Markdown } from "./markdown";
import { Sources } from "./Sources";
import { Thought } from "./Thought";
import { ranks } from "./citations";
import { failure, isTooLong } from "./failures";
import { cost, laterTurns, Leaving } from "./Leaving";
import { actions, type Live, type Panel } from "./store";
import { said } from "./time";

interface Props {
  message: Message;
  messages: Message[];
  panel: Panel;
  busy: boolean;
}

type AllProps = Props & { unanswered: boolean; editing: boolean };

export const MessageView = memo(
  ({ message, messages, panel, busy, unanswered, editing }: AllProps) => {
    if (message.role !== "user") {
      return <Reply message={message} messages={messages} panel={panel} busy={busy} />;
    }
    return editing ? (
      <Editor message={message} later={laterTurns(messages, message.turn)} />
    ) : (
      <Said message={message} busy={busy} unanswered={unanswered} />
    );
  },
);

function Said({
  message,
  busy,
  unanswered,
}: {
  message: Message;
  busy: boolean;
  unanswered: boolean;
}) {
  return (
    <li className="said" id={`message-${message.id}`}>
      <h2 className="unseen">You said</h2>
      <div className="bubble">{message.content}</div>
      <div className="actions">
        <time dateTime={message.timestamp}>{said(message.timestamp)}</time>
        <Copy text={message.content} />
        <button
          className="quiet"
          aria-label="Edit"
          title="Edit"
          disabled={busy}
          onClick={() => actions.edit(message.id)}
        >
          <Icon name="edit" />
        </button>
      </div>
      {unanswered && !busy && (
        <p className="ending">
          This was not answered.{" "}
          <button
            className="link"
            onClick={() => void actions.sayInstead(message, message.content)}
          >
            Answer it now
          </button>
        </p>
      )}
    </li>
  );
}

/** About so many letters stand in a row. */
const LETTERS_OF_ROW = 70;

function Editor({ message, later }: { message: Message; later: number }) {
  const [text, setText] = useState(message.content);
  const rows = text.split("\n").length + 1 + Math.floor(text.length / LETTERS_OF_ROW);
  const onClose = () => actions.edit(null);
  const send = () => {
    if (!text.trim()) return;
    onClose();
    void actions.sayInstead(message, text.trim());
  };
  return (
    <li className="said editing">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <textarea
          aria-label="Edit the message"
          autoFocus
          rows={Math.min(12, rows)}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              send();
            }
            if (event.key === "Escape") {
              event.preventDefault();
              onClose();
            }
          }}
        />
        <p className="hint">
          This takes the place of what you said and of the reply.
          {later > 0 && ` ${cost(later)}`}
        </p>
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={!text.trim()}>
            Send again
          </button>
        </div>
      </form>
    </li>
  );
}

function Reply({ message, messages, panel, busy }: Props) {
  const { metadata } = message;
  const question = messages.find((other) => other.turn === message.turn && other.role === "user");
  const shown = panel?.kind === "receipt" && panel.message === message.id;
  const hasReceipt = Boolean(metadata?.usage);
  const [source, setSource] = useState<number | null>(null);
  const [asking, setAsking] = useState(false);
  const later = laterTurns(messages, message.turn);
  const again = () => {
    setAsking(false);
    if (question) void actions.sayInstead(question, question.content);
  };
  const cited = metadata?.cited ?? [];
  const rank = ranks(cited);
  const marks = cited.map(({ sentence, consulted }) => ({
    at: sentence[1],
    number: rank.get(consulted)!,
  }));
  return (
    <li className="reply" id={`message-${message.id}`}>
      <h2 className="unseen">The reply</h2>
      {metadata?.reasoning && <Thought text={metadata.reasoning} />}
      {message.content && <Markdown text={message.content} marks={marks} onMark={setSource} />}
      <Ending message={message} />
      {metadata && (
        <Sources metadata={metadata} messages={messages} chosen={source} onChosen={setSource} />
      )}
      <div className="actions">
        {message.content && <Copy text={message.content} />}
        {question && isTooLong(metadata) && (
          <button
            className="quiet why"
            disabled={busy}
            onClick={() => actions.edit(question.id)}
          >
            <Icon name="edit" /> Edit the message
          </button>
        )}
        {question && !isTooLong(metadata) && (
          <button
            className="quiet"
            aria-label="Answer again"
            title="Answer again"
            disabled={busy}
            aria-expanded={later > 0 ? asking : undefined}
            onClick={() => (later > 0 ? setAsking(!asking) : again())}
          >
            <Icon name="again" />
          </button>
        )}
        {hasReceipt && (
          <button
            className="quiet why"
            aria-expanded={shown}
            onClick={() => actions.show(shown ? null : { kind: "receipt", message: message.id })}
          >
            <Icon name="chart" /> Why this reply
          </button>
        )}
      </div>
      {asking && !busy && later > 0 && (
        <Leaving turns={later} onGo={again} onClose={() => setAsking(false)} />
      )}
    </li>
  );
}

/** How a reply ended, where it did not end by itself. */
function Ending({ message }: { message: Message }) {
  const { metadata, status } = message;
  if (status === "failed") {
    return <p className="failure">{failure(metadata)}</p>;
  }
  if (status === "cancelled") return <p className="ending">Stopped.</p>;
  if (metadata?.finish_reason === "length") {
    const what = message.content ? "The reply" : "What it thought";
    return <p className="ending">{what} reached the limit of length.</p>;
  }
  return null;
}

function Copy({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  const label = copied ? "Copied" : "Copy";
  return (
    <button className="quiet" aria-label={label} title={label} onClick={() => void copy()}>
      <Icon name={copied ? "check" : "copy"} />
    </button>
  );
}

/** What was said when the connection broke off. */
export function Lost({ content }: { content: string }) {
  return (
    <li className="said">
      <h2 className="unseen">You said</h2>
      <div className="bubble">{content}</div>
      <p className="failure lost" role="alert">
        The connection to the server broke off. When it is back, this page looks whether this
        arrived.
      </p>
    </li>
  );
}

/** What is being done for a reply of which nothing is there yet. */
function doing({ stopping, thought, context }: Live): string {
  if (stopping) return "Stopping";
  if (thought) return "Thinking";
  return context ? "Answering" : "Remembering";
}

/** What was just said, and the reply as far as it came. */
export function LiveReply({ live, messages }: { live: Live; messages: Message[] }) {
  return (
    <>
      <li className="said">
        <h2 className="unseen">You said</h2>
        <div className="bubble">{live.content}</div>
      </li>
      <li className="reply live" aria-busy="true">
        <h2 className="unseen">The reply</h2>
        {live.thought && <Thought text={live.thought} live={!live.reply} />}
        {live.reply ? (
          <Markdown text={live.reply} />
        ) : (
          <p className="thinking">
            <span aria-hidden="true" />
            {doing(live)}
          </p>
        )}
        {live.context && <Sources metadata={live.context} messages={messages} />}
      </li>
    </>
  );
}
