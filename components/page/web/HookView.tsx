import { useState } from "react";
import { api, type Canary, type Hook, type Policy } from "./api";
import { Share } from "./Share";
import type { Act } from "./PolicyPanel";
import { decision, describe, nameOf, recent, type Sample } from "./policies";
import { plural } from "./text";
import { said } from "./time";

interface Props {
  hook: Hook;
  policies: Policy[];
  samples: Sample[];
  busy: boolean;
  act: Act;
}

/** A decision: who makes it, who is tried beside that, and who was asked lately. */
export function HookView({ hook, policies, samples, busy, act }: Props) {
  const active = policies.find(({ digest }) => digest === hook.active);
  const candidate = policies.find(({ digest }) => digest === hook.canary?.digest);
  return (
    <li>
      <p className="meta">
        <strong>{decision(hook.interface)}</strong>
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
      {hook.set_aside && (
        <p className="failure">It failed again and again, and is set aside for a while.</p>
      )}
      {hook.canary && candidate && (
        <Candidate policy={candidate} canary={hook.canary} busy={busy} act={act} />
      )}
      <Lately hook={hook} policies={policies} samples={samples} />
    </li>
  );
}

/** A policy that some sessions have, and how much of its budget is left. */
function Candidate({
  policy,
  canary,
  busy,
  act,
}: {
  policy: Policy;
  canary: Canary;
  busy: boolean;
  act: Act;
}) {
  const [changing, setChanging] = useState(false);
  const name = nameOf(policy);
  const most = plural(canary.errors_max, "error");
  return (
    <div className="candidate">
      <p className="meta">
        <strong>{name}</strong>
        <span>{canary.percent} % of the sessions</span>
      </p>
      <progress
        aria-label={`Errors of ${name}`}
        value={Math.min(canary.errors, canary.errors_max + 1)}
        max={canary.errors_max + 1}
      />
      <p className="hint">
        Asked {plural(canary.calls, "time")} since {said(canary.since)}, and failed{" "}
        {canary.errors === 0 ? "never" : plural(canary.errors, "time")}. After more than {most} it
        is taken back by itself.
      </p>
      <p className="buttons">
        <button
          className="primary"
          disabled={busy}
          aria-label={`Use for all: ${name}`}
          onClick={() => void act(() => api.usePolicy(policy.digest))}
        >
          Use for all
        </button>
        <button disabled={busy} aria-expanded={changing} onClick={() => setChanging(!changing)}>
          Share …
        </button>
        <button
          disabled={busy}
          aria-label={`Take back: ${name}`}
          onClick={() => void act(() => api.takePolicyBack(policy.digest))}
        >
          Take back
        </button>
      </p>
      {changing && (
        <Share
          from={canary}
          busy={busy}
          give={(percent, errors) =>
            void act(() => api.givePolicyShare(policy.digest, percent, errors)).then(() =>
              setChanging(false),
            )
          }
        />
      )}
    </div>
  );
}

const COLOURS = ["query", "memory", "document", "history"];

/** Who was asked in the last minute: during a swap, the one takes over from the other. */
function Lately({ hook, policies, samples }: Pick<Props, "hook" | "policies" | "samples">) {
  const lately = recent(samples, hook);
  if (lately.length === 0) return null;
  return (
    <div className="lately">
      <div className="bar" aria-hidden="true">
        {lately.map(({ digest, calls }, at) => (
          <span
            key={digest}
            className={`share ${COLOURS[at % COLOURS.length]}`}
            style={{ flexGrow: calls }}
          />
        ))}
      </div>
      <ul className="legend" aria-label={`Asked in the last minute for ${hook.interface}`}>
        {lately.map(({ digest, calls, errors }, at) => {
          const policy = policies.find((one) => one.digest === digest);
          return (
            <li key={digest}>
              <span className={`swatch ${COLOURS[at % COLOURS.length]}`} aria-hidden="true" />
              <span>{policy ? nameOf(policy) : digest.slice(0, 12)}</span>
              <span className="number">
                {plural(calls, "call")}
                {errors > 0 && `, ${errors.toLocaleString()} failed`}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
