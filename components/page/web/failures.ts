/** How a reply failed, in the words of who reads it and not of who programs with it. */
import type { Metadata } from "./api";

/** The code of a message that cannot be answered, however often one tries. */
const TOO_LONG = "context_length_exceeded";

/** Whether the same message must fail again. */
export function isTooLong(metadata: Metadata | null): boolean {
  return metadata?.error_code === TOO_LONG;
}

/** What went wrong. */
export function failure(metadata: Metadata | null): string {
  if (isTooLong(metadata)) {
    return "This message is longer than the model can read. Shorten it, or say it in parts.";
  }
  return metadata?.llm_call_error ?? "The model failed.";
}
