import { useState } from "react";
import { actions } from "./store";

/** What stands in the place of everything else while the server wants a key. */
export function Gate({ refused }: { refused: boolean }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setBusy(true);
    await actions.unlock(text.trim());
    setBusy(false);
  };
  return (
    <main className="gate">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void open();
        }}
      >
        <img src="/icon.svg" alt="" width="52" height="52" />
        <h1>This server wants a key</h1>
        <p className="hint">
          Whoever runs it makes one with <code>loci keys add NAME</code>. It stays in this browser.
        </p>
        <label>
          <span>Key</span>
          <input
            type="password"
            autoComplete="current-password"
            autoFocus
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        {refused && (
          <p className="failure" role="alert">
            The server does not know this key.
          </p>
        )}
        <button className="primary" disabled={busy || text.trim() === ""}>
          Go on
        </button>
      </form>
    </main>
  );
}
