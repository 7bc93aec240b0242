import { useCallback, useEffect, useRef, useState } from "react";
import { api, type Policies, type PolicyEvent, type Work } from "./api";
import { HookView } from "./HookView";
import { Panel } from "./Panel";
import { nameOf, sampled, told, type Sample } from "./policies";
import { Staged } from "./Staged";
import { attempt } from "./store";
import { said } from "./time";

/** With two requests each time, less than half of what a key with 120 a minute may ask. */
const POLL_MILLIS = 2_500;
/** How soon one looks again while something is being done. */
const POLL_SOON_MILLIS = 200;

/** Does something, one thing at a time, and looks at what came of it. */
export type Act = (work: () => Promise<unknown>) => Promise<void>;

/** The policies in use, those that wait, and what is and was done with them. */
export function PolicyPanel() {
  const [list, setList] = useState<Policies | null>(null);
  const [samples, setSamples] = useState<Sample[]>([]);
  const [events, setEvents] = useState<PolicyEvent[]>([]);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const look = useCallback(async () => {
    try {
      // Only an admin may read the log.
      const log = api.policyLog().catch(() => ({ events: [] }));
      const policies = await api.policies();
      setList(policies);
      setSamples((before) => sampled(before, policies.hooks, Date.now()));
      setEvents((await log).events);
      setError(null);
    } catch (cause) {
      setError((cause as Error).message);
    }
  }, []);
  const soon = busy || (list?.under_way.length ?? 0) > 0;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let left = false;
    const again = async () => {
      await look();
      if (!left) timer = setTimeout(again, soon ? POLL_SOON_MILLIS : POLL_MILLIS);
    };
    void again();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [look, soon]);
  const act: Act = async (work) => {
    setBusy(true);
    await attempt(async () => void (await work()));
    await look();
    setBusy(false);
  };
  const staged = list?.policies.filter(({ state }) => state !== "active") ?? [];
  const waiting = staged.filter(
    ({ digest }) => !list?.hooks.some(({ canary }) => canary?.digest === digest),
  );
  return (
    <Panel title="Policies">
      {error && <p className="failure">{error}</p>}
      <div>
        <p className="hint">
          Each decision is made by a WebAssembly component that can reach nothing. It can be
          replaced while the server answers: a turn ends with the policies that it began with.
        </p>
        <div role="status">
          {list?.under_way.map((work) => (
            <UnderWay key={work.digest + work.since} work={work} list={list} />
          ))}
        </div>
      </div>
      <ul className="memory-list hooks">
        {list?.hooks.map((hook) => (
          <HookView
            key={hook.interface}
            hook={hook}
            policies={list.policies}
            samples={samples}
            busy={busy}
            act={act}
          />
        ))}
      </ul>
      <section>
        <h3>Waiting</h3>
        {waiting.length === 0 && <p className="hint">No policy waits to be put in use.</p>}
        <ul className="memory-list staged">
          {waiting.map((policy) => (
            <Staged
              key={policy.digest}
              policy={policy}
              hook={list?.hooks.find((hook) => hook.interface === policy.interface)}
              busy={busy}
              act={act}
            />
          ))}
        </ul>
        <Add busy={busy} act={act} />
      </section>
      {events.length > 0 && (
        <section>
          <h3 id="policy-log">What was done</h3>
          <div role="log" aria-labelledby="policy-log">
            <ol className="log">
              {events.map((event) => (
                <li key={`${event.at} ${event.digest}`}>
                  <span>{told(event)}</span>
                  <time dateTime={event.at}>{said(event.at)}</time>
                </li>
              ))}
            </ol>
          </div>
        </section>
      )}
    </Panel>
  );
}

/** What is being done at this moment, whoever began it. */
function UnderWay({ work, list }: { work: Work; list: Policies }) {
  const known = list.policies.find(({ digest }) => digest === work.digest);
  const name = known ? nameOf(known) : work.digest.slice(0, 12);
  return (
    <p className="under-way">
      <span className="dot" aria-hidden="true" />
      {work.step === "checking"
        ? `${name} is being compiled, and asked what every policy is asked before it is taken.`
        : `${name} is being loaded and tried. Until it is ready, nothing changes for anybody.`}
    </p>
  );
}

function Add({ busy, act }: { busy: boolean; act: Act }) {
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
