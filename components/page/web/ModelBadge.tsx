import type { ModelStatus } from "./api";
import { actions } from "./store";

/** How the model is, in a line. */
export function summary(model: ModelStatus): string {
  const lines = {
    ready: model.active_model ?? "Model ready",
    loading: `Loading the model: ${model.loading_percent ?? 0} %`,
    none: "No chat model",
    error: "The model failed to load",
  };
  return lines[model.status];
}

/** How the model is; more of it when one asks. */
interface Props {
  model: ModelStatus | null;
  online: boolean;
  open: boolean;
}

export function ModelBadge({ model, online, open }: Props) {
  const state = online ? (model?.status ?? "") : "error";
  return (
    <button
      className="quiet model"
      aria-expanded={open}
      title="Model and settings"
      onClick={() => actions.show(open ? null : { kind: "model" })}
    >
      <span className={`dot ${state}`} aria-hidden="true" />
      <span className="name">{!online ? "No connection" : model ? summary(model) : "…"}</span>
    </button>
  );
}
