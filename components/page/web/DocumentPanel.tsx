import { useRef, useState } from "react";
import type { Document, Session } from "./api";
import { documents as act } from "./documents";
import { Icon } from "./icons";
import { Panel } from "./Panel";
import { useStore } from "./store";
import { bytes, plural } from "./text";

export function DocumentPanel({ session }: { session: Session | undefined }) {
  const { documents, uploads } = useStore();
  const picker = useRef<HTMLInputElement>(null);
  const linked = session?.rag_document_ids ?? [];
  return (
    <Panel title="Documents">
      <div className="drop">
        <p>
          Drop files anywhere, or <button onClick={() => picker.current?.click()}>choose them</button>
        </p>
        <p className="hint">Text, Markdown, HTML, PDF, DOCX, CSV, JSON and source code, at most 15 MiB each.</p>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files to add"
          onChange={({ target }) => {
            void act.upload([...(target.files ?? [])], session?.id ?? null);
            target.value = "";
          }}
        />
      </div>
      {uploads > 0 && <p className="thinking"><span aria-hidden="true" />Sending</p>}
      {documents?.length === 0 && <p className="empty">There are no documents yet.</p>}
      <ul className="memory-list">
        {documents?.map((document) => (
          <Row
            key={document.id}
            document={document}
            session={session}
            linked={linked.includes(document.id)}
          />
        ))}
      </ul>
    </Panel>
  );
}

interface RowProps {
  document: Document;
  session: Session | undefined;
  linked: boolean;
}

function Row({ document, session, linked }: RowProps) {
  const [editing, setEditing] = useState(false);
  const done = (name: string) => {
    setEditing(false);
    if (name.trim() && name !== document.name) void act.rename(document.id, name.trim());
  };
  return (
    <li>
      {editing ? (
        <input
          className="rename"
          aria-label={`New name for ${document.name}`}
          defaultValue={document.name}
          autoFocus
          onBlur={(event) => done(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.currentTarget.blur();
            if (event.key === "Escape") {
              event.preventDefault();
              setEditing(false);
            }
          }}
        />
      ) : (
        <p className="document-name">{document.name}</p>
      )}
      <Progress document={document} />
      <div className="actions">
        {session && document.status !== "failed" && (
          <label className="check">
            <input
              type="checkbox"
              checked={linked}
              onChange={({ target }) => void act.link(session.id, document.id, target.checked)}
            />
            In this chat
          </label>
        )}
        <span className="spring" />
        <button
          className="quiet"
          aria-label={`Rename ${document.name}`}
          onClick={() => setEditing(true)}
        >
          <Icon name="edit" />
        </button>
        <button
          className="quiet"
          aria-label={`Delete ${document.name}`}
          onClick={() => act.remove(document)}
        >
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}

/** How far a document is, or what it is once it is there. */
function Progress({ document }: { document: Document }) {
  const { passages, indexed, failed } = document.progress;
  if (document.status === "failed") {
    return <p className="failure">{document.error?.message ?? "It could not be read."}</p>;
  }
  if (document.status === "ready") {
    const facts = [
      document.format === "plain" ? "text" : document.format,
      bytes(document.bytes),
      document.pages > 0 && plural(document.pages, "page"),
      plural(passages, "passage"),
      failed > 0 && `${failed} of them found by words only`,
    ];
    return <p className="hint">{facts.filter(Boolean).join(", ")}</p>;
  }
  const text = passages ? `${indexed} of ${passages} passages` : "Reading";
  return (
    <div className="progress">
      <progress
        aria-label={`Progress of ${document.name}`}
        max={passages || 1}
        {...(passages ? { value: indexed } : {})}
      />
      <span className="hint">{text}</span>
    </div>
  );
}
