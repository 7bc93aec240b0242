import { Difference } from "./Again";
import type { Pair, ShadowReport } from "./api";
import { Icon } from "./icons";
import { change } from "./policies";
import { useStore } from "./store";
import { plural } from "./text";

/** What would have become of past prompts. */
export function Shadow({ report, onClose }: { report: ShadowReport; onClose: () => void }) {
  const { turns, changed, refused } = report;
  const same = turns - changed - refused;
  const parts = [
    { kind: "query", label: "the same", count: same },
    { kind: "memory", label: "became others", count: changed },
    { kind: "refused", label: "refused", count: refused },
  ].filter(({ count }) => count > 0);
  return (
    <div className="shadow" role="region" aria-label="What it would have done" tabIndex={0}>
      <p className="meta">
        <strong>
          {turns === 0 ? "There is no past turn to try it on" : `Laid out again: ${plural(turns, "past turn")}`}
        </strong>
        <button className="quiet" aria-label="Close the report" onClick={onClose}>
          <Icon name="close" />
        </button>
      </p>
      {turns > 0 && (
        <>
          <div className="bar" aria-hidden="true">
            {parts.map(({ kind, count }) => (
              <span key={kind} className={`share ${kind}`} style={{ flexGrow: count }} />
            ))}
          </div>
          <ul className="legend">
            {parts.map(({ kind, label, count }) => (
              <li key={kind}>
                <span className={`swatch ${kind}`} aria-hidden="true" />
                <span>{plural(count, "prompt")} {label}</span>
              </li>
            ))}
          </ul>
          <Numbers report={report} />
        </>
      )}
      {Object.entries(report.skipped).map(([reason, count]) => (
        <p className="hint" key={reason}>
          {plural(count, "turn")} left out: {reason}.
        </p>
      ))}
      {report.examples.length > 0 && <Examples report={report} />}
    </div>
  );
}

function Numbers({ report }: { report: ShadowReport }) {
  const { kept, lost, gained } = report.passages;
  const rows: [string, Pair][] = [
    ["Tokens", report.prompt_tokens],
    ["Reusable tokens", report.reusable_tokens],
    ["Fuel", report.fuel],
  ];
  return (
    <dl className="facts">
      <dt>Passages</dt>
      <dd>
        {kept.toLocaleString()} kept, {lost.toLocaleString()} lost, {gained.toLocaleString()} gained
      </dd>
      {rows
        .filter(([, { before, after }]) => before + after > 0)
        .map(([label, { before, after }]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {before.toLocaleString()} → {after.toLocaleString()}{" "}
              <span className="hint">({change(before, after)})</span>
            </dd>
          </div>
        ))}
    </dl>
  );
}

function Examples({ report }: { report: ShadowReport }) {
  const sessions = useStore().sessions ?? [];
  return (
    <details className="prompt">
      <summary>{report.examples.length === 1 ? "The turn" : "Turn by turn"}</summary>
      <ul className="examples">
        {report.examples.map((example) => {
          const { before, after } = example.prompt_tokens;
          const name = sessions.find(({ id }) => id === example.session_id)?.name;
          return (
            <li key={example.message_id}>
              <p className="meta">
                <a href={`#/sessions/${example.session_id}`}>{name ?? "A chat"}</a>
                <span className="number">
                  {example.refused ? "refused" : `${before.toLocaleString()} → ${after.toLocaleString()} tokens`}
                </span>
              </p>
              {example.refused && <p className="failure">{example.refused}</p>}
              <Difference hunks={example.difference} />
            </li>
          );
        })}
      </ul>
    </details>
  );
}
