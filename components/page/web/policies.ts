/** Policies in words, and what was asked of them lately. */
import type { Counts, Hook, Policy, PolicyEvent } from "./api";

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
  refused: "was refused",
  activated: "was put in use",
  "rolled-back": "was put in use again",
  removed: "was removed",
  tried: "was tried on past turns",
  "canary-begun": "was given a share",
  "canary-ended": "was taken back from its share",
  lost: "could not be loaded, and the one that ships stands in",
};

/** What a decision is, for people. */
export function decision(hook: string): string {
  return HOOKS[hook] ?? hook;
}

/** What a policy is called. */
export function nameOf(policy: { name?: string | null; interface: string; digest: string }): string {
  return policy.name ?? `${policy.interface} ${policy.digest.slice(0, 8)}`.trim();
}

/** What was done, and why where there is more to say. */
export function told(event: PolicyEvent): string {
  if (event.what === "on-failure") return `It was said what becomes of a turn whose ${event.interface} fails`;
  const says = ["refused", "tried", "canary-begun", "canary-ended"].includes(event.what);
  const why = says && event.note ? `: ${event.note}` : "";
  return `${nameOf(event)} ${DONE[event.what] ?? event.what}${why}`;
}

/** What was asked at one moment, hook by hook. */
export interface Sample {
  at: number;
  asked: Record<string, Record<string, Counts>>;
}

/** What was asked of one policy lately. */
export interface Recent extends Counts {
  digest: string;
}

/** For how long something is lately, in milliseconds. */
const LATELY = 60_000;

/** The samples of lately, with one more; and from before that the last, to count from. */
export function sampled(before: Sample[], hooks: Hook[], at: number): Sample[] {
  const asked = Object.fromEntries(hooks.map((hook) => [hook.interface, hook.asked ?? {}]));
  const first = before.findLastIndex((sample) => sample.at <= at - LATELY);
  return [...before.slice(Math.max(0, first)), { at, asked }];
}

/** What was asked lately for a hook; the policy that is in use comes first. */
export function recent(samples: Sample[], hook: Hook): Recent[] {
  const first = samples[0]?.asked[hook.interface] ?? {};
  const last = samples.at(-1)?.asked[hook.interface] ?? {};
  const lately = Object.entries(last).map(([digest, { calls, errors }]) => {
    // A server that was started again has begun to count anew.
    const from = first[digest] && first[digest].calls <= calls ? first[digest] : { calls: 0, errors: 0 };
    return { digest, calls: calls - from.calls, errors: errors - from.errors };
  });
  const rank = ({ digest }: Recent) => (digest === hook.active ? 0 : 1);
  return lately
    .filter(({ calls }) => calls > 0)
    .sort((one, other) => rank(one) - rank(other) || other.calls - one.calls);
}

/** A change as people read it: `12 % fewer`, `as many`. */
export function change(before: number, after: number): string {
  if (before === after) return "as many";
  if (before === 0) return "from none";
  const percent = (100 * Math.abs(after - before)) / before;
  const shown = percent < 1 ? "under 1" : Math.round(percent).toLocaleString();
  return `${shown} % ${after < before ? "fewer" : "more"}`;
}

/** What is known of a policy, on one line. */
export function describe(policy: Policy): string {
  const from = policy.source === "shipped" ? "ships with Loci" : "added here";
  return [policy.name, from, policy.digest.slice(0, 12)].filter(Boolean).join(", ");
}
