/** What the page knows, and how a change of it is drawn. */
import { useSyncExternalStore } from "react";
import type { Document, Message, Metadata, ModelStatus, Session } from "./api";
import { drafts } from "./drafts";

/** A reply that is on its way. */
export interface Live {
  /** What was said; it is shown before the server has stored it. */
  content: string;
  /** What the model thought before it, so far. */
  thought: string;
  /** The reply so far. */
  reply: string;
  /** What the model was given, once that is known. */
  context: Metadata | null;
  stopping: boolean;
}

export interface Chat {
  messages: Message[] | null;
  live: Live | null;
  error: string | null;
  /** What is being written. */
  draft: string;
  /** What was said when the connection broke off: nobody knows yet whether it is stored. */
  lost: { content: string } | null;
}

export interface Toast {
  id: number;
  text: string;
  undo?: () => void;
}

export type Panel =
  | { kind: "memories" }
  | { kind: "receipt"; message: number }
  | { kind: "model" }
  | { kind: "documents" }
  | { kind: "instruction" }
  | { kind: "policies" }
  | { kind: "try" }
  | null;

export interface State {
  sessions: Session[] | null;
  current: string | null;
  chats: Record<string, Chat>;
  model: ModelStatus | null;
  /** None where the server knows no documents. */
  documents: Document[] | null;
  /** How many uploads are on their way. */
  uploads: number;
  /** Whether the server wants a key that it has not got, or got another one. */
  gate: "open" | "wanted" | "refused";
  /** Whether the server answered when it was last asked. */
  online: boolean;
  panel: Panel;
  /** The message that is to be shown, wherever it stands. */
  target: number | null;
  /** The message that is being said in other words. */
  editing: number | null;
  toasts: Toast[];
}

/** So long something can be undone: enough to notice, to read, and to get there. */
const UNDO_MILLIS = 10_000;

const EMPTY: Chat = { messages: null, live: null, error: null, draft: "", lost: null };
/** Stands for a session that is not made yet. */
export const NEW = "";

/** Chats of which nothing is known but what was being written when the page was left. */
function unfinished(): Record<string, Chat> {
  const chats = Object.entries(drafts.read()).map(([id, draft]) => [id, { ...EMPTY, draft }]);
  return Object.fromEntries(chats);
}

let state: State = {
  sessions: null,
  current: null,
  chats: unfinished(),
  model: null,
  documents: null,
  uploads: 0,
  gate: "open",
  online: true,
  panel: null,
  target: null,
  editing: null,
  toasts: [],
};
const listeners = new Set<() => void>();
/** What is hidden while its deletion can still be undone, by its id, and how it is deleted. */
const leaving = new Map<string, () => void>();
let toastCount = 0;

export function set(change: Partial<State>): void {
  state = { ...state, ...change };
  listeners.forEach((listener) => listener());
}

export function setChat(id: string, change: Partial<Chat>): void {
  const chat = { ...(state.chats[id] ?? EMPTY), ...change };
  set({ chats: { ...state.chats, [id]: chat } });
  if (change.draft !== undefined) drafts.write(id, change.draft);
}

export function setLive(id: string, change: Partial<Live>): void {
  const live = state.chats[id]?.live;
  if (live) setChat(id, { live: { ...live, ...change } });
}

/** The state, for a component that is drawn anew when it changes. */
export function useStore(): State {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** The session that is shown. */
export function currentSession(from: State): Session | undefined {
  return from.sessions?.find((session) => session.id === from.current);
}

/** The messages of a session. */
export function chatOf(from: State, id: string | null): Chat {
  return from.chats[id ?? NEW] ?? EMPTY;
}

export function toast(text: string, undo?: () => void): number {
  const id = ++toastCount;
  set({ toasts: [...state.toasts, { id, text, ...(undo && { undo }) }] });
  setTimeout(() => dismiss(id), UNDO_MILLIS);
  return id;
}

/** Takes a note away. */
export function dismiss(id: number): void {
  set({ toasts: state.toasts.filter((other) => other.id !== id) });
}

/** The state as it is now. */
export function read(): State {
  return state;
}

/** Whether something is hidden since it is about to be deleted. */
export function isLeaving(id: string): boolean {
  return leaving.has(id);
}

/** Who leaves has decided: what could still be undone is done. */
export function finishAll(): void {
  leaving.forEach((finish) => finish());
}

/** Deletes something when that can no longer be undone. */
export function withUndo(
  id: string,
  text: string,
  { finish, undo }: { finish: () => Promise<void>; undo: () => void },
): void {
  const end = () => {
    clearTimeout(timer);
    leaving.delete(id);
    void attempt(finish);
  };
  const timer = setTimeout(end, UNDO_MILLIS);
  leaving.set(id, end);
  const note = toast(text, () => {
    clearTimeout(timer);
    leaving.delete(id);
    dismiss(note);
    undo();
  });
}

export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Tells what went wrong; what was asked for is not done then. */
export async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // Who is asked for a key knows what is wrong.
    if (state.gate === "open") toast(said(error));
  }
}

