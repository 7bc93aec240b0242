import type { ModelStatus } from "./api";

/** How the model is, in a line; more of it when one asks. */
export function ModelBadge({ model }: { model: ModelStatus | null }) {
  if (!model) return <span className="model" />;
  const lines = {
    ready: model.active_model ?? "Model ready",
    loading: `Model is loading: ${model.loading_percent ?? 0} %`,
    none: "No chat model",
    error: "The model failed to load",
  };
  const memory = model.embedding_model;
  return (
    <details className="model">
      <summary>
        <span className={`dot ${model.status}`} aria-hidden="true" />
        <span className="name">{lines[model.status]}</span>
      </summary>
      <dl>
        <dt>Chat</dt>
        <dd>{model.error ?? lines[model.status]}</dd>
        {model.backend_type && (
          <>
            <dt>Engine</dt>
            <dd>{model.backend_type}</dd>
            <dt>Context</dt>
            <dd>
              {model.context_tokens.toLocaleString()} tokens
              {model.exact_counts ? "" : ", estimated"}
            </dd>
            <dt>Replies</dt>
            <dd>at most {model.generation_config.max_new_tokens.toLocaleString()} tokens</dd>
          </>
        )}
        <dt>Memory</dt>
        <dd>{memory.error ?? memory.name ?? memory.status}</dd>
      </dl>
    </details>
  );
}
