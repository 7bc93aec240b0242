import { useState, type RefObject } from "react";
import type { Session } from "./api";
import { Icon } from "./icons";
import { ModelBadge } from "./ModelBadge";
import { around, useFound, type Found, type Hit } from "./found";
import { actions, type State } from "./store";
import { ThemeButton } from "./ThemeButton";
import { chatName } from "./text";
import { age } from "./time";

interface Props {
  state: State;
  search: RefObject<HTMLInputElement | null>;
  onClose: () => void;
}

export function Sidebar({ state, search, onClose }: Props) {
  const [query, setQuery] = useState("");
  const wanted = query.trim().toLowerCase();
  const found = state.sessions?.filter((session) => chatName(session).toLowerCase().includes(wanted));
  const [said, searchOn] = useFound(state.sessions, query.trim());
  const groups = new Map<string, Session[]>();
  for (const session of found ?? []) {
    const heading = age(session.last_updated_at);
    groups.set(heading, [...(groups.get(heading) ?? []), session]);
  }
  return (
    <nav className="sidebar" aria-label="Chats">
      <header>
        <span className="brand">
          <img src="/icon.svg" alt="" width="26" height="26" /> Loci
        </span>
        <button className="quiet close-menu" aria-label="Hide chats" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <button className="new-chat" onClick={() => actions.open(null)}>
        <Icon name="plus" /> New chat
      </button>
      <label className="search">
        <Icon name="search" />
        <input
          ref={search}
          type="search"
          placeholder="Search chats"
          aria-label="Search chats"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
        <kbd aria-hidden="true">Ctrl K</kbd>
      </label>
      <div className="sessions" tabIndex={-1}>
        {[...groups].map(([heading, sessions]) => (
          <section key={heading}>
            <h2>{heading}</h2>
            <ul>
              {sessions.map((session) => (
                <Row
                  key={session.id}
                  session={session}
                  shown={session.id === state.current}
                  speaking={Boolean(state.chats[session.id]?.live)}
                />
              ))}
            </ul>
          </section>
        ))}
        {said && said.hits.length > 0 && (
          <section>
            <h2>In what was said</h2>
            <ul className="said-list">
              {said.hits.map((hit) => (
                <Said key={hit.message.id} hit={hit} text={query.trim()} onClose={onClose} />
              ))}
            </ul>
          </section>
        )}
        {state.sessions?.length === 0 && <p className="hint">No chats yet.</p>}
        {said && (said.isMore || said.problem) && <Unsearched said={said} onGo={searchOn} />}
        {wanted && found?.length === 0 && (wanted.length < 2 || isNowhere(said)) && (
          <p className="hint" role="status">
            No chat has this in its name or in what was said.
          </p>
        )}
      </div>
      <footer>
        <ModelBadge
          model={state.model}
          online={state.online}
          open={state.panel?.kind === "model"}
        />
        <ThemeButton />
      </footer>
    </nav>
  );
}

/** Whether the chats were searched and none has it. */
function isNowhere(said: Found | null): boolean {
  return said !== null && said.problem === null && said.hits.length === 0;
}

/** Where there is more than is shown, or the search failed. */
function Unsearched({ said, onGo }: { said: Found; onGo: () => void }) {
  const { problem } = said;
  const why = problem ? `${problem.replace(/\.$/, "")}. ` : "";
  return (
    <p className="hint" role="status">
      {why}
      <button className="link" onClick={onGo}>
        {problem ? "Search again" : "Show more"}
      </button>
    </p>
  );
}

function Said({ hit, text, onClose }: { hit: Hit; text: string; onClose: () => void }) {
  const { session, message } = hit;
  const [before, match, after] = around(message.content, text);
  return (
    <li>
      <button
        onClick={() => {
          actions.open(session.id, message.id);
          onClose();
        }}
      >
        <span className="name">{chatName(session)}</span>
        <span className="words">
          {before}
          <mark>{match}</mark>
          {after}
        </span>
      </button>
    </li>
  );
}

function Row({
  session,
  shown,
  speaking,
}: {
  session: Session;
  shown: boolean;
  speaking: boolean;
}) {
  const [editing, setEditing] = useState(false);
  const name = chatName(session);
  if (editing) {
    const done = (text: string) => {
      setEditing(false);
      if (text.trim() && text !== session.name) void actions.rename(session.id, text);
    };
    return (
      <li>
        <input
          className="rename"
          aria-label={`New name for ${name}`}
          defaultValue={session.name ?? ""}
          maxLength={200}
          autoFocus
          onFocus={(event) => event.target.select()}
          onBlur={(event) => done(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.currentTarget.blur();
            if (event.key === "Escape") {
              event.preventDefault();
              setEditing(false);
            }
          }}
        />
      </li>
    );
  }
  return (
    <li className={shown ? "shown" : ""}>
      <a href={`#/sessions/${session.id}`} aria-current={shown ? "page" : undefined}>
        <span className="name">{name}</span>
        {speaking && <span className="speaking" role="img" aria-label="is being answered" />}
        {!session.long_term_memory_enabled && <span className="badge">memory off</span>}
      </a>
      <span className="row-actions">
        <button className="quiet" aria-label={`Rename ${name}`} onClick={() => setEditing(true)}>
          <Icon name="edit" />
        </button>
        <button
          className="quiet"
          aria-label={`Delete ${name}`}
          onClick={() => actions.remove(session)}
        >
          <Icon name="trash" />
        </button>
      </span>
    </li>
  );
}
