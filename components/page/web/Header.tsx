import type { Message, Session } from "./api";
import { Icon } from "./icons";
import { actions, type State } from "./store";
import { chatName } from "./text";

interface Props {
  session: Session;
  messages: Message[];
  state: State;
}

function toggle(state: State, kind: "documents" | "instruction" | "memories"): void {
  actions.show(state.panel?.kind === kind ? null : { kind });
}

export function Header({ session, messages, state }: Props) {
  const remembered = messages.filter((message) => message.is_embedded).length;
  const on = session.long_term_memory_enabled;
  const open = state.panel?.kind === "memories";
  const linked = session.rag_document_ids ?? [];
  const broken = (state.documents ?? []).filter(
    ({ id, status }) => status === "failed" && linked.includes(id),
  ).length;
  const read = linked.length - broken;
  const unread = broken > 0 ? `, ${broken} could not be read` : "";
  return (
    <header className="chat-header">
      <h1>{chatName(session)}</h1>
      <button
        className="switch"
        role="switch"
        aria-checked={on}
        onClick={() => void actions.setMemory(session.id, !on)}
      >
        <span className="track" aria-hidden="true" />
        <span className="label">Memory</span>
      </button>
      <button
        className={session.instruction ? "instruction-button own" : "instruction-button"}
        aria-expanded={state.panel?.kind === "instruction"}
        aria-label={`Instruction of this chat: ${session.instruction ? "its own" : "the server's"}`}
        title="Instruction of this chat"
        onClick={() => toggle(state, "instruction")}
      >
        <Icon name="rule" />
      </button>
      {state.documents && (
        <button
          className="documents-button"
          aria-expanded={state.panel?.kind === "documents"}
          aria-label={`Documents of this chat: ${read}${unread}`}
          title={broken ? `Documents: ${broken} could not be read` : "Documents"}
          onClick={() => toggle(state, "documents")}
        >
          <Icon name="file" />
          <span>
            {read}
            {broken > 0 && <span className="broken" aria-hidden="true"> !</span>}
          </span>
        </button>
      )}
      <button
        className="memories-button"
        aria-expanded={open}
        aria-label={`Memories of this chat: ${remembered}`}
        title="Memories of this chat"
        onClick={() => toggle(state, "memories")}
      >
        <Icon name="memory" />
        <span>{remembered}</span>
      </button>
    </header>
  );
}
