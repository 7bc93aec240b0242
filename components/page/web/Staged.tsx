import { useState } from "react";
import { api, type Hook, type Policy, type ShadowReport, type Tried } from "./api";
import type { Act } from "./PolicyPanel";
import { decision, nameOf } from "./policies";
import { Shadow } from "./Shadow";
import { Share } from "./Share";
import { plural } from "./text";

interface Props {
  policy: Policy;
  hook: Hook | undefined;
  busy: boolean;
  act: Act;
}

/** A policy that waits: it can be tried, be given a share of the sessions, or be put in use. */
export function Staged({ policy, hook, busy, act }: Props) {
  const [report, setReport] = useState<ShadowReport | null>(null);
  const [giving, setGiving] = useState(false);
  const name = nameOf(policy);
  const isShipped = policy.source === "shipped";
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
        {decision(policy.interface)}, {isShipped ? "ships with Loci" : policy.digest.slice(0, 12)}
      </p>
      {!report && policy.tried && <p className="hint">{summary(policy.tried)}</p>}
      <p className="choices">
        {hook?.shadow && (
          <button
            className="link"
            disabled={busy}
            aria-label={`Try it on past turns: ${name}`}
            onClick={() => void act(async () => setReport(await api.tryPolicy(policy.digest)))}
          >
            Try it on past turns
          </button>
        )}
        {hook?.per_session && (
          <button
            className="link"
            disabled={busy}
            aria-expanded={giving}
            aria-label={`Give it a share: ${name}`}
            onClick={() => setGiving(!giving)}
          >
            Give it a share
          </button>
        )}
        {!isShipped && (
          <button
            className="link"
            disabled={busy}
            aria-label={`Remove ${name}`}
            onClick={() => void act(() => api.removePolicy(policy.digest))}
          >
            Remove
          </button>
        )}
      </p>
      {giving && (
        <Share
          busy={busy}
          give={(percent, errors) =>
            void act(() => api.givePolicyShare(policy.digest, percent, errors))
          }
        />
      )}
      {report && <Shadow report={report} onClose={() => setReport(null)} />}
    </li>
  );
}

/** How it did when it was last tried. */
function summary(tried: Tried): string {
  const { turns, changed, refused } = tried;
  return `Tried on ${plural(turns, "past turn")}: ${changed.toLocaleString()} changed, ${refused.toLocaleString()} refused.`;
}
