/** What a model thought before it answered: there for who wants to know, and no part of the reply. */
export function Thought({ text, live = false }: { text: string; live?: boolean }) {
  return (
    <details className="thought">
      <summary>{live ? "What it thinks" : "What it thought"}</summary>
      <p>{text}</p>
    </details>
  );
}
