import { useState } from "react";
import type { Session } from "./api";
import { Panel } from "./Panel";
import { actions } from "./store";

/** What the server takes, whatever the letters. */
const LETTERS_MAX = 16_000;

/** What the model is told to be and do in this chat. */
export function InstructionPanel({ session }: { session: Session }) {
  const now = session.instruction ?? "";
  const [text, setText] = useState(now);
  const isChanged = text.trim() !== now;
  return (
    <Panel title="Instruction">
      <p className="hint">
        The model reads this before everything else in each prompt of this chat. Left empty, it
        reads what the server says, which is the same for all chats.
      </p>
      <form
        className="instruction"
        onSubmit={(event) => {
          event.preventDefault();
          void actions.instruct(session.id, text.trim() || null);
        }}
      >
        <textarea
          aria-label="What the model is told to be and do"
          placeholder="Answer in one sentence, and say where you know it from."
          rows={8}
          maxLength={LETTERS_MAX}
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
        <p className="buttons">
          <button className="primary" disabled={!isChanged}>
            Save
          </button>
          {now && (
            <button
              type="button"
              onClick={() => {
                setText("");
                void actions.instruct(session.id, null);
              }}
            >
              Use the server's own
            </button>
          )}
        </p>
      </form>
    </Panel>
  );
}
