/** Whether a chat ends with something that waits for an answer. */
import type { Message } from "./api";

export function isUnanswered(messages: Message[]): boolean {
  const last = messages.at(-1);
  if (last?.role !== "user" || last.status === "failed") return false;
  // Notes, which an assistant keeps here, want no answer: nothing in such a chat has one.
  return messages.length === 1 || messages.some(({ role }) => role === "assistant");
}
