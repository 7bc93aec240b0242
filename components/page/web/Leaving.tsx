import { useEffect, useRef } from "react";
import { plural } from "./text";

/** How many turns came after one. */
export function laterTurns(messages: { turn: number }[], turn: number): number {
  return new Set(messages.map((message) => message.turn).filter((other) => other > turn)).size;
}

/** What it costs to answer in the middle of a chat. */
export function cost(turns: number): string {
  const leave = turns === 1 ? "leaves" : "leave";
  return `${plural(turns, "later turn")} ${leave} the chat and its memory.`;
}

interface Props {
  turns: number;
  onGo: () => void;
  onClose: () => void;
}

/** Asks before later turns leave the chat. */
export function Leaving({ turns, onGo, onClose }: Props) {
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    cancel.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <div
      className="leaving"
      role="group"
      aria-label="Answer again?"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
    >
      <p>{cost(turns)}</p>
      <button ref={cancel} onClick={onClose}>
        Cancel
      </button>
      <button className="primary" onClick={onGo}>
        Drop {turns === 1 ? "it" : "them"} and answer
      </button>
    </div>
  );
}
