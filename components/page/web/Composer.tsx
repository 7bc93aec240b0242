import { useLayoutEffect, useRef } from "react";
import type { ModelStatus } from "./api";
import { Icon } from "./icons";
import { tooMany, useTokens } from "./tokens";
import type { Live } from "./store";

interface Props {
  text: string;
  onText: (text: string) => void;
  live: Live | null;
  model: ModelStatus | null;
  remembers: boolean;
  onSend: (text: string) => void;
  onStop: () => void;
  /** None where the server knows no documents. */
  onFiles: ((files: File[]) => void) | undefined;
  sending: boolean;
  /** Goes to the end of the chat; none where one is there. */
  onLatest: (() => void) | undefined;
  /** Whether the chat has documents and a model that misses much in them. */
  weak: boolean;
  trying: boolean;
  onTry: () => void;
}

/** The most bytes of a message; the server refuses what is longer. */
const BYTES_MAX = 65_536;

export function Composer(props: Props) {
  const { text, onText, live, model, remembers, onSend, onStop, trying, onTry } = props;
  const { onFiles, sending, onLatest, weak } = props;
  const picker = useRef<HTMLInputElement>(null);
  const tokens = useTokens(text, model);
  const box = useRef<HTMLTextAreaElement>(null);
  const tooLong = text.length > BYTES_MAX / 4 && new TextEncoder().encode(text).length > BYTES_MAX;
  const ready = text.trim() !== "" && !live && !tooLong;

  useLayoutEffect(() => {
    const area = box.current!;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);

  const submit = () => {
    if (ready) onSend(text.trim());
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {onLatest && (
        <button type="button" className="to-latest" onClick={onLatest}>
          <Icon name="down" /> To the latest
        </button>
      )}
      <div className="box">
        {onFiles && (
          <>
            <button
              type="button"
              className="quiet attach"
              aria-label="Add files to this chat"
              title="Add files to this chat"
              onClick={() => picker.current?.click()}
            >
              <Icon name="clip" />
            </button>
            <input
              ref={picker}
              type="file"
              multiple
              hidden
              aria-label="Files for this chat"
              onChange={({ target }) => {
                onFiles([...(target.files ?? [])]);
                target.value = "";
              }}
            />
          </>
        )}
        <textarea
          id="composer"
          ref={box}
          rows={1}
          // On a touch screen this would bring up the keyboard over what one came to read.
          autoFocus={!matchMedia("(hover: none)").matches}
          placeholder="Say something"
          aria-label="Message"
          value={text}
          onChange={(event) => onText(event.target.value)}
          onKeyDown={(event) => {
            const plain = !event.shiftKey && !event.nativeEvent.isComposing;
            if (event.key === "Enter" && plain) {
              event.preventDefault();
              submit();
            }
            if (event.key === "Escape" && live) {
              event.preventDefault();
              onStop();
            }
          }}
        />
        {model?.status === "ready" && (
          <button
            type="button"
            className="quiet try"
            aria-label="Try this prompt"
            title="See the prompt while you write"
            aria-expanded={trying}
            onClick={onTry}
          >
            <Icon name="eye" />
          </button>
        )}
        {live ? (
          <button
            type="button"
            className="round"
            aria-label="Stop the reply"
            disabled={live.stopping}
            onClick={onStop}
          >
            <Icon name="stop" />
          </button>
        ) : (
          <button type="submit" className="round" aria-label="Send" disabled={!ready}>
            <Icon name="send" />
          </button>
        )}
      </div>
      <p className="under" role={tooLong || tokens ? "alert" : undefined}>
        {tooLong && "This is longer than a message may be (64 KiB)."}
        {!tooLong && tokens && tooMany(tokens)}
        {!tooLong && !tokens && sending && "The files are being sent."}
        {!tooLong && !tokens && !sending && note(model, remembers, weak)}
      </p>
    </form>
  );
}

function note(model: ModelStatus | null, remembers: boolean, weak: boolean): string {
  if (model?.status === "none") {
    return "There is no chat model yet: what you say is stored, not answered.";
  }
  if (model?.status === "loading") return "The model is still loading.";
  if (!remembers) return "Memory is off: only the recent turns are shown to the model.";
  if (weak) return "This small model misses much in documents: add another under its name.";
  return model?.backend_type === "llama.cpp" ? "Everything stays on this machine." : "";
}
