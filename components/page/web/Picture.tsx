import type { ReactNode } from "react";
import { losses, shares, type Filled } from "./receipt";
import { plural } from "./text";

/** The model's context as a bar: what went in, what is left, and what was cut. */
export function Picture({ filled, children }: { filled: Filled; children: ReactNode }) {
  const parts = shares(filled);
  const cut = losses(filled);
  const all = parts.reduce((sum, part) => sum + part.tokens, 0);
  return (
    <section className="picture">
      <p className="lead">{children}</p>
      <div className="bar" aria-hidden="true">
        {parts.map((part) => (
          <span
            key={part.kind}
            className={`share ${part.kind}`}
            style={{ flexGrow: part.tokens / all }}
            title={`${part.label}: ${part.tokens}`}
          />
        ))}
      </div>
      <ul className="legend">
        {parts.map((part) => (
          <li key={part.kind}>
            <span className={`swatch ${part.kind}`} aria-hidden="true" />
            <span>{part.label}</span>
            <span className="number">{part.tokens.toLocaleString()}</span>
          </li>
        ))}
      </ul>
      <p className="hint cut">
        {cut.length === 0
          ? "Nothing had to be cut."
          : `Cut for lack of room: ${cut
              .map(({ text, tokens }) => `${plural(tokens, "token")} of ${text}`)
              .join(", ")}.`}
      </p>
    </section>
  );
}
