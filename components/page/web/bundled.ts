/** The small model that comes with Loci, and what it cannot do. */
import { useEffect, useState } from "react";
import { api, type ModelFile, type ModelStatus } from "./api";

/** Whether this is the one. */
export function isBundled(model: ModelFile): boolean {
  return model.source === "bundled" && model.kind !== "embedding";
}

/** Whether it is the one that answers; asked for only where that matters. */
export function useBundled(model: ModelStatus | null, matters: boolean): boolean {
  const [bundled, setBundled] = useState(false);
  const name = model?.status === "ready" ? model.active_model : null;
  useEffect(() => {
    setBundled(false);
    if (!matters || !name) return;
    let stale = false;
    // A server that runs no models of its own has no such list.
    api.models().then(
      ({ models }) => !stale && setBundled(models.some((one) => one.active && isBundled(one))),
      () => undefined,
    );
    return () => {
      stale = true;
    };
  }, [matters, name]);
  return bundled;
}
