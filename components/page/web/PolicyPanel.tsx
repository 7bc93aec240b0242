import { useCallback, useEffect, useRef, useState } from "react";
import { api, type Policies, type Policy, type PolicyEvent } from "./api";
import { Panel } from "./Panel";
import { attempt } from "./store";
import { said } from "./time";

const POLL_MILLIS = 2_000;

/** What each decision is, for people. */
const HOOKS: Record<string, string> = {
  assembly: "How the prompt is laid out",
  truncation: "What is cut so that it fits",
  ranking: "What is worth recalling",
  condensation: "What is kept of a long passage",
  extraction: "How files are read",
  chunking: "How documents are cut into passages",
};

const DONE: Record<string, string> = {
  added: "was added",
  activated: "was put in use",
  "rolled-back": "was put in use again",
  removed: "was removed",
};

/** The policies in use, those that wait, and what was done with them. */
export function PolicyPanel() {
  const [list, setList] = useState<Policies | null>(null);
  const [events, setEvents] = useState<PolicyEvent[]>([]);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const look = useCallback(async () => {
    try {
      const [policies, log] = await Promise.all([api.policies(), api.policyLog()]);
      setList(policies);
      setEvents(log.events);
      setError(null);
    } catch (cause) {
      setError((cause as Error).message);
    }
  }, []);
  useEffect(() => {
    void look();
    const timer = setInterval(() => void look(), POLL_MILLIS);
    return () => clearInterval(timer);
  }, [look]);
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    await attempt(async () => void (await work()));
    await look();
    setBusy(false);
  };
  const staged = list?.policies.filter(({ state }) => state !== "active") ?? [];
  return (
    <Panel title="Policies">
      <p className="hint">
        Each decision is made by a WebAssembly component that imports nothing. It can be replaced
        while the server answers: a turn ends with the policies that it began with.
      </p>
      {error && <p className="failure">{error}</p>}
      <ul className="memory-list hooks">
        {list?.hooks.map((hook) => {
          const active = list.policies.find(({ digest }) => digest === hook.active);
          return (
            <li key={hook.interface}>
              <p className="meta">
                <strong>{HOOKS[hook.interface] ?? hook.interface}</strong>
                {hook.previous && (
                  <button
                    disabled={busy}
                    aria-label={`Roll back ${hook.interface}`}
                    onClick={() => void act(() => api.rollBackPolicy(hook.interface))}
                  >
                    Roll back
                  </button>
                )}
              </p>
              <p className="hint">{active ? describe(active) : hook.active.slice(0, 12)}</p>
            </li>
          );
        })}
      </ul>
      <section>
        <h3>Waiting</h3>
        {staged.length === 0 && <p className="hint">No policy waits to be put in use.</p>}
        <ul className="memory-list staged">
          {staged.map((policy) => (
            <Staged key={policy.digest} policy={policy} busy={busy} act={act} />
          ))}
        </ul>
        <Add busy={busy} act={act} />
      </section>
      {events.length > 0 && (
        <section>
          <h3>What was done</h3>
          <ol className="log">
            {events.map((event) => (
              <li key={`${event.at} ${event.digest}`}>
                <span>
                  {nameOf(event)} {DONE[event.what] ?? event.what}
                </span>
                <time dateTime={event.at}>{said(event.at)}</time>
              </li>
            ))}
          </ol>
        </section>
      )}
    </Panel>
  );
}

function nameOf({ name, interface: hook, digest }: { name?: string | null; interface: string; digest: string }) {
  return name ?? `${hook} ${digest.slice(0, 8)}`;
}

function describe(policy: Policy): string {
  const from = policy.source === "shipped" ? "ships with Loci" : "added here";
  return [policy.name, from, policy.digest.slice(0, 12)].filter(Boolean).join(", ");
}

interface ActProps {
  busy: boolean;
  act: (work: () => Promise<unknown>) => Promise<void>;
}

function Staged({ policy, busy, act }: ActProps & { policy: Policy }) {
  const name = nameOf(policy);
  return (
    <li>
      <p className="meta">
        <strong>{name}</strong>
        <button
          disabled={busy}
          aria-label={`Use ${name}`}
          onClick={() => void act(() => api.usePolicy(policy.digest))}
        >
          Use
        </button>
      </p>
      <p className="hint">
        {HOOKS[policy.interface] ?? policy.interface}, {policy.digest.slice(0, 12)}
        {policy.source !== "shipped" && (
          <>
            {" · "}
            <button
              className="link"
              disabled={busy}
              aria-label={`Remove ${name}`}
              onClick={() => void act(() => api.removePolicy(policy.digest))}
            >
              Remove
            </button>
          </>
        )}
      </p>
    </li>
  );
}

function Add({ busy, act }: ActProps) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <p className="adding">
      <button disabled={busy} onClick={() => picker.current?.click()}>
        Add a component …
      </button>
      <input
        ref={picker}
        type="file"
        accept=".wasm,application/wasm"
        hidden
        aria-label="Component to add"
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file) void act(() => api.addPolicy(file));
          target.value = "";
        }}
      />
    </p>
  );
}
