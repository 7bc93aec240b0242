import type { Message, ModelStatus } from "./api";
import { Icon } from "./icons";
import { actions } from "./store";

/** What one may begin with, and what it then answers. The bundled model finds all three. */
const FIRST = [
  ["My dog is called Zorvik.", "What is my dog's name?"],
  ["The workshop alarm code is 4471, and Henrik knows it too.", "What is the alarm code?"],
  ["The spare key is under the blue flowerpot.", "Where is the spare key?"],
] as const;

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
        remembered, and why. Each chat has a memory of its own.
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
        {FIRST.map(([text]) => (
          <li key={text}>
            <button onClick={() => void actions.say(text)}>{text}</button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The question to what one began with, once that is said. */
export function Ask({ messages }: { messages: Message[] }) {
  const [said, reply] = messages.slice(-2);
  const question = FIRST.find(([fact]) => fact === said?.content)?.[1];
  if (!question || reply?.role !== "assistant" || reply.status !== "ok") return null;
  return (
    <li className="starters">
      <button onClick={() => void actions.say(question)}>{question}</button>
    </li>
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
