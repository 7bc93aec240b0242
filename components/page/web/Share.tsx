import { useState } from "react";

interface Props {
  from?: { percent: number; errors_max: number };
  busy: boolean;
  give: (percent: number, errorsMax: number) => void;
}

/** How many sessions a candidate is given, and how often it may fail. */
export function Share({ from = { percent: 10, errors_max: 3 }, busy, give }: Props) {
  const [percent, setPercent] = useState(from.percent);
  const [errors, setErrors] = useState(from.errors_max);
  return (
    <form
      className="sliders share-form"
      onSubmit={(event) => {
        event.preventDefault();
        give(percent, errors);
      }}
    >
      <label>
        <span>Share of the sessions</span>
        <span className="number">{percent} %</span>
        <input
          type="range"
          min={1}
          max={100}
          value={percent}
          onChange={({ target }) => setPercent(Number(target.value))}
        />
      </label>
      <label>
        <span>Errors that it may have</span>
        <span className="number">{errors}</span>
        <input
          type="range"
          min={0}
          max={20}
          value={errors}
          onChange={({ target }) => setErrors(Number(target.value))}
        />
      </label>
      <p className="hint">A session has it always or never. Its errors are counted from now on.</p>
      <button className="primary" disabled={busy}>
        Give this share
      </button>
    </form>
  );
}
