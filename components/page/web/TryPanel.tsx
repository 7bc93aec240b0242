import { useEffect, useState } from "react";
import { api, type Policy } from "./api";
import { Panel } from "./Panel";
import { Picture } from "./Picture";
import { fullness } from "./receipt";
import { actions, chatOf, useStore } from "./store";
import { LAYOUTS, roomOf, useTried, type Trial, type Tried } from "./tried";

const AS_IT_IS: Trial = { budget: null, memories: null, documents: null, layout: null };
/** Less is hardly ever enough for the message itself. */
const BUDGET_MIN = 64;

/** What a message would be sent in, while it is written. */
export function TryPanel() {
  const state = useStore();
  const [trial, setTrial] = useState(AS_IT_IS);
  const { draft: text } = chatOf(state, state.current);
  const { draft, tried, error } = useTried(state.current, text.trim(), trial);
  const others = useOthers();
  const changed = Object.values(trial).some((value) => value !== null);
  const set = (change: Partial<Trial>) => setTrial({ ...trial, ...change });
  return (
    <Panel title="Try a prompt" inPassing>
      <label className="trying">
        <span className="unseen">Message to try</span>
        <textarea
          rows={3}
          placeholder="Write what you would say"
          value={text}
          onChange={(event) => actions.write(state.current, event.target.value)}
        />
      </label>
      {!text.trim() && (
        <p className="hint">
          Write a message, and the prompt that would be sent stands here, word for word: put
          together in this browser, by the same policies. Nothing is sent and nothing is stored.
        </p>
      )}
      {others.length > 0 && (
        <p className="notice">
          Another policy than the one that ships is in use for {others.join(" and ")}: what is sent
          may be something else.
        </p>
      )}
      {error && (
        <p className="failure" role="alert">
          {error}
        </p>
      )}
      {draft && (
        <form className="sliders">
          <Slider
            label="Tokens of the prompt"
            min={Math.min(BUDGET_MIN, roomOf(draft))}
            max={roomOf(draft)}
            value={trial.budget ?? roomOf(draft)}
            onChange={(budget) => set({ budget })}
          />
          <Slider
            label="Memories"
            max={Math.max(draft.memories.most, draft.memories.candidates.length)}
            value={trial.memories ?? draft.memories.most}
            onChange={(memories) => set({ memories })}
          />
          {draft.documents.candidates.length > 0 && (
            <Slider
              label="Passages of documents"
              max={Math.max(draft.documents.most, draft.documents.candidates.length)}
              value={trial.documents ?? draft.documents.most}
              onChange={(documents) => set({ documents })}
            />
          )}
          <label>
            <span>Laid out by</span>
            <select
              value={trial.layout ?? LAYOUTS[0]![0]}
              onChange={({ target }) => set({ layout: LAYOUTS[target.selectedIndex]![0] })}
            >
              {LAYOUTS.map(([name, text]) => (
                <option key={name} value={name}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          {trial.layout && trial.layout !== LAYOUTS[0]![0] && (
            <p className="hint">
              The recent turns are those that the policy in use asks for. This one, in use, might
              ask for more of them, or fewer.
            </p>
          )}
          <button type="button" disabled={!changed} onClick={() => setTrial(AS_IT_IS)}>
            As it will be sent
          </button>
        </form>
      )}
      {tried && (
        <Picture filled={tried.filled}>
          The prompt takes <strong>{tried.prompt.tokens.toLocaleString()}</strong> of{" "}
          {tried.filled.budget.toLocaleString()} tokens: {fullness(tried.filled)} %.
          {!tried.draft.model.exact_counts && " They are estimated."}
        </Picture>
      )}
      {tried && <Words tried={tried} />}
    </Panel>
  );
}

interface SliderProps {
  label: string;
  min?: number;
  max: number;
  value: number;
  onChange: (value: number) => void;
}

function Slider({ label, min = 0, max, value, onChange }: SliderProps) {
  return (
    <label>
      <span>{label}</span>
      <span className="number">{value.toLocaleString()}</span>
      <input
        type="range"
        min={min}
        max={max}
        value={value}
        onChange={({ target }) => onChange(target.valueAsNumber)}
      />
    </label>
  );
}

/** The prompt as it stands, each piece in the colour of where it comes from. */
function Words({ tried: { prompt, passages } }: { tried: Tried }) {
  const kindOf = (passage: number | undefined) =>
    passage === undefined ? "words" : passages[passage]!.kind;
  return (
    <section className="prompt whole" aria-label="The prompt, word for word">
      {prompt.lines.map((line, at) => (
        <div key={at}>
          <h3>{prompt.isChat ? line.role : "text"}</h3>
          <pre tabIndex={0}>
            {line.pieces.map((piece, place) => (
              <span key={place} className={`piece ${kindOf(piece.passage)}`}>
                {piece.text}
              </span>
            ))}
          </pre>
        </div>
      ))}
    </section>
  );
}

const TRIED = ["assembly", "ranking", "condensation", "truncation"];

/** The hooks in which another policy is in use than the one that this page has. */
function useOthers(): string[] {
  const [active, setActive] = useState<Policy[]>([]);
  useEffect(() => {
    // A host without such a list has the policies that ship.
    api.policies().then(({ policies }) => setActive(policies), () => setActive([]));
  }, []);
  return active
    .filter(({ state, source }) => state === "active" && source !== "shipped")
    .map((policy) => policy.interface)
    .filter((name) => TRIED.includes(name));
}
