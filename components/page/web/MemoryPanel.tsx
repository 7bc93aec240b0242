import { useEffect, useState } from "react";
import { api, type Memory, type Session } from "./api";
import { Icon } from "./icons";
import { Panel } from "./Panel";
import { GoThere } from "./Sources";
import { actions, isLeaving, memoryKey, useStore } from "./store";
import { said } from "./time";

const WAIT_MILLIS = 200;
/** So many are drawn at once, and with every further step. */
const SHOWN = 100;

export function MemoryPanel({ session }: { session: Session }) {
  const [query, setQuery] = useState("");
  /** What was forgotten here, for good or not yet. */
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [shown, setShown] = useState(SHOWN);
  const [found, setFound] = useState<Memory[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const remembered = useStore().chats[session.id]?.messages?.filter((m) => m.is_embedded).length;
  const wanted = query.trim();

  useEffect(() => {
    let stale = false;
    const look = async () => {
      try {
        const list = wanted
          ? await api.findMemories(session.id, wanted)
          : await api.memories(session.id, shown);
        if (!stale) setFound(list);
        if (!stale) setError(null);
      } catch (cause) {
        if (!stale) setError(String((cause as Error).message));
      }
    };
    const timer = setTimeout(() => void look(), wanted ? WAIT_MILLIS : 0);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [session.id, wanted, remembered, shown]);

  const isHidden = (id: number) => hidden.has(id) || isLeaving(memoryKey(id));
  const list = found?.filter(({ message_id }) => !isHidden(message_id)) ?? null;
  const more = !wanted && found?.length === shown;
  const forget = ({ message_id }: Memory) => {
    setHidden((before) => new Set([...before, message_id]));
    actions.forget(session.id, message_id, () =>
      setHidden((before) => new Set([...before].filter((id) => id !== message_id))),
    );
  };
  return (
    <Panel title="Memories of this chat">
      <label className="search">
        <Icon name="search" />
        <input
          type="search"
          placeholder="What would be recalled for …"
          aria-label="Find memories"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </label>
      <p className="hint">
        {session.long_term_memory_enabled
          ? "A search finds what a message with these words would recall, the best first. Forgetting takes a message out of recall for good; it stays in the chat."
          : "Memory is off in this chat: nothing here is recalled until it is on again."}
      </p>
      {error && <p className="failure">{error}</p>}
      {list?.length === 0 && !more && (
        <p className="empty">{wanted ? "Nothing comes to mind." : "Nothing is remembered yet."}</p>
      )}
      <ul className="memory-list">
        {list?.map((memory) => (
          <li key={memory.message_id}>
            <p className="meta">
              <span>
                {memory.role === "user" ? "You" : "Loci"} said {said(memory.timestamp)}
              </span>
            </p>
            <p className="text">{memory.content}</p>
            <div className="actions">
              <GoThere message={memory.message_id} />
              <button className="quiet danger" onClick={() => forget(memory)}>
                <Icon name="trash" /> Forget
              </button>
            </div>
          </li>
        ))}
      </ul>
      {more && (
        <button className="more" onClick={() => setShown(shown + SHOWN)}>
          Show more
        </button>
      )}
    </Panel>
  );
}
