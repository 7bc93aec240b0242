import type { ModelStatus } from "./api";
import { Icon } from "./icons";
import { actions } from "./store";

const FIRST = [
  "My sister Oriane keeps her violin in the blue cupboard.",
  "The workshop alarm code is 4471, and Henrik knows it too.",
  "I prefer short answers, and tea in the afternoon.",
];

interface Props {
  model: ModelStatus | null;
  first: boolean;
  named: boolean;
}

/** What a new chat begins with; more of it for who has none yet. */
export function Welcome({ model, first, named }: Props) {
  // A chat that was made already has a heading of its own.
  const Heading = named ? "h2" : "h1";
  return (
    <div className="welcome">
      <img src="/icon.svg" alt="" width="52" height="52" />
      <Heading>A chat that remembers</Heading>
      <p className="lead">
        Tell it something today, ask about it in a hundred turns. Under each reply stands what was
        remembered, and why.
      </p>
      {model?.status === "none" && <NoModel />}
      {model?.status === "error" && (
        <p className="notice" role="alert">
          The chat model could not be loaded: {model.error}
        </p>
      )}
      {first && (
        <ol className="steps">
          <li>
            <Icon name="edit" />
            <strong>Say a fact.</strong>
            <span>A name, a place, a number.</span>
          </li>
          <li>
            <Icon name="memory" />
            <strong>Ask for it later.</strong>
            <span>However long ago it was.</span>
          </li>
          <li>
            <Icon name="chart" />
            <strong>See why.</strong>
            <span>Each reply shows the prompt behind it.</span>
          </li>
        </ol>
      )}
      <ul className="starters" aria-label="Say one of these">
        {FIRST.map((text) => (
          <li key={text}>
            <button onClick={() => void actions.say(text)}>{text}</button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function NoModel() {
  return (
    <div className="notice">
      <strong>There is no chat model yet.</strong> What you say is stored and can be searched, but
      not answered. Stop the server and start it with any llama-architecture GGUF file:
      <pre tabIndex={0}>cargo xtask up --model PATH.gguf</pre>
    </div>
  );
}
