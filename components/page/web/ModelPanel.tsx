import { useEffect, useState } from "react";
import { ApiError, api, type Generation, type ModelFile, type ModelStatus } from "./api";
import { isBundled } from "./bundled";
import { key } from "./key";
import { summary } from "./ModelBadge";
import { Panel } from "./Panel";
import { actions } from "./store";
import { bytes } from "./text";

/** Whether one may change what concerns everybody; none until it is known. Without keys one may. */
function useMayChange(): boolean | null {
  const [may, setMay] = useState(key.isKnown() ? null : true);
  useEffect(() => {
    if (may) return;
    // What only an admin may read tells it; any other failure is told where it matters.
    api.policies().then(
      () => setMay(true),
      (error) => setMay(!(error instanceof ApiError && error.status === 403)),
    );
  }, []);
  return may;
}

export function ModelPanel({ model }: { model: ModelStatus | null }) {
  const may = useMayChange();
  const mayChange = may === true;
  return (
    <Panel title="Model">
      {model && <Status model={model} />}
      <Models model={model} mayChange={mayChange} />
      <Settings mayChange={mayChange} />
      {may === false && (
        <p className="hint">
          This concerns everybody here: only the key of an admin may change it.
        </p>
      )}
      <p className="buttons">
        {mayChange && (
          <button onClick={() => actions.show({ kind: "policies" })}>Policies …</button>
        )}
        {key.isKnown() && <button onClick={actions.lock}>Forget the key</button>}
      </p>
    </Panel>
  );
}

function Status({ model }: { model: ModelStatus }) {
  const memory = model.embedding_model;
  return (
    <section>
      <dl className="facts">
        <dt>Chat</dt>
        <dd>{summary(model)}</dd>
        {model.backend_type && (
          <>
            <dt>Engine</dt>
            <dd>{model.backend_type}</dd>
            <dt>Context</dt>
            <dd>
              {model.context_tokens.toLocaleString()} tokens
              {model.exact_counts ? "" : ", estimated"}
            </dd>
          </>
        )}
        <dt>At work</dt>
        <dd>
          {model.active} answering, {model.queued} waiting
        </dd>
        <dt>Memory</dt>
        <dd>{memory.error ?? memory.name ?? memory.status}</dd>
      </dl>
      {model.error && <p className="failure">{model.error}</p>}
    </section>
  );
}

/** The models that the server knows. On a host that runs none of its own there is no such list. */
function Models({ model, mayChange }: { model: ModelStatus | null; mayChange: boolean }) {
  const [models, setModels] = useState<ModelFile[] | null>(null);
  useEffect(() => {
    api.models().then(({ models }) => setModels(models), () => setModels(null));
  }, [model?.active_model, model?.status]);
  const chat = models?.filter((one) => one.kind !== "embedding") ?? [];
  if (chat.length === 0) return null;
  return (
    <section>
      <h3>Models here</h3>
      <ul className="memory-list">
        {chat.map((one) => (
          <li key={one.name}>
            <p className="meta">
              <strong>{one.title || one.name}</strong>
              {one.active && <span>in use</span>}
              {!one.active && mayChange && (
                <button disabled={one.error !== null} onClick={() => void actions.useModel(one.name)}>
                  Use
                </button>
              )}
            </p>
            <p className="hint">{one.error ?? facts(one)}</p>
            {isBundled(one) && (
              <p className="hint">
                It only quotes what you said, to show that the memory works. It holds no
                conversation, and finds less than half of what a document answers.
              </p>
            )}
          </li>
        ))}
      </ul>
      {mayChange && (
        <div className="adding hint">
          Another one, any llama-architecture GGUF file, is added by
          <pre tabIndex={0}>loci models add hf:OWNER/REPOSITORY/FILE.gguf</pre>
          and can then be chosen here.
        </div>
      )}
    </section>
  );
}

/** As models are called everywhere: `7M`, `1.2B`. */
const MILLIONS = Intl.NumberFormat("en", { notation: "compact" });

function facts(model: ModelFile): string {
  const parts = [
    model.title && model.name,
    model.parameters && `${MILLIONS.format(model.parameters)} parameters`,
    model.quantization,
    model.size_bytes && bytes(model.size_bytes),
    model.license,
  ];
  return parts.filter(Boolean).join(", ");
}

type Setting = [keyof Generation, string, { min: number; max: number; step: number }];

const SETTINGS: Setting[] = [
  ["temperature", "Temperature", { min: 0, max: 2, step: 0.05 }],
  ["top_p", "Top p", { min: 0.05, max: 1, step: 0.05 }],
  ["top_k", "Top k", { min: 0, max: 1_000, step: 1 }],
  ["min_p", "Min p", { min: 0, max: 1, step: 0.01 }],
  ["repeat_penalty", "Repeat penalty", { min: 1, max: 2, step: 0.05 }],
  ["max_tokens", "Tokens of a reply", { min: 1, max: 1_048_576, step: 1 }],
  ["seed", "Seed", { min: 0, max: 4_294_967_295, step: 1 }],
];

/** How the model answers. What is left empty is left to the server. */
function Settings({ mayChange }: { mayChange: boolean }) {
  const [now, setNow] = useState<Generation | null>(null);
  const [changed, setChanged] = useState<Partial<Generation>>({});
  useEffect(() => {
    api.generation().then(setNow, () => setNow(null));
  }, []);
  if (!now) return null;
  const save = async () => {
    try {
      setNow(await api.setGeneration(changed));
      setChanged({});
      actions.tell("The next reply is made with these settings");
    } catch (error) {
      actions.tell((error as Error).message);
    }
  };
  const shown = { ...now, ...changed };
  return (
    <form
      className="settings"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <h3>How it answers</h3>
      {SETTINGS.map(([name, label, range]) => (
        <label key={name}>
          <span>{label}</span>
          <input
            type="number"
            {...range}
            value={shown[name] ?? ""}
            disabled={!mayChange}
            placeholder="default"
            onChange={({ target }) => {
              const value = target.value === "" ? null : Number(target.value);
              setChanged({ ...changed, [name]: value });
            }}
          />
        </label>
      ))}
      {mayChange && (
        <button className="primary" disabled={Object.keys(changed).length === 0}>
          Save
        </button>
      )}
    </form>
  );
}
