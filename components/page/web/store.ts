/** What the page knows, and what can be done with it. */
import { useSyncExternalStore } from "react";
import {
  ApiError,
  api,
  send,
  type Message,
  type Metadata,
  type ModelStatus,
  type Session,
} from "./api";
import { title } from "./text";

/** A reply that is on its way. */
export interface Live {
  /** What was said; it is shown before the server has stored it. */
  content: string;
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
  | null;

export interface State {
  sessions: Session[] | null;
  current: string | null;
  chats: Record<string, Chat>;
  model: ModelStatus | null;
  /** Whether the server answered when it was last asked. */
  online: boolean;
  panel: Panel;
  /** The message that is to be shown, wherever it stands. */
  target: number | null;
  toasts: Toast[];
}

const DRAW_MILLIS = 40;
const UNDO_MILLIS = 6_000;
const POLL_MILLIS = 1_500;
/** A message is indexed moments after its reply; longer than this nobody waits for the badge. */
const INDEX_LOOKS = 6;

const EMPTY: Chat = { messages: null, live: null, error: null, draft: "" };
/** Stands for a session that is not made yet. */
const NEW = "";

let state: State = {
  sessions: null,
  current: null,
  chats: {},
  model: null,
  online: true,
  panel: null,
  target: null,
  toasts: [],
};
const listeners = new Set<() => void>();
const aborts = new Map<string, AbortController>();
/** Sessions that are hidden while their deletion can still be undone. */
const leaving = new Map<string, () => void>();
let toastCount = 0;

function set(change: Partial<State>): void {
  state = { ...state, ...change };
  listeners.forEach((listener) => listener());
}

function setChat(id: string, change: Partial<Chat>): void {
  const chat = { ...(state.chats[id] ?? EMPTY), ...change };
  set({ chats: { ...state.chats, [id]: chat } });
}

function setLive(id: string, change: Partial<Live>): void {
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

function toast(text: string, undo?: () => void): number {
  const id = ++toastCount;
  set({ toasts: [...state.toasts, { id, text, ...(undo && { undo }) }] });
  setTimeout(() => actions.dismiss(id), UNDO_MILLIS);
  return id;
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Tells what went wrong; what was asked for is not done then. */
async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    toast(said(error));
  }
}

function replace(session: Session): void {
  const list = state.sessions?.map((other) => (other.id === session.id ? session : other));
  set({ sessions: list ?? null });
}

/** Reads the messages of a session from a place on; those before it are kept. */
async function reload(id: string, from: number): Promise<void> {
  const known = state.chats[id]?.messages?.slice(0, from) ?? [];
  const messages = [...known, ...(await api.messages(id, known.length))];
  setChat(id, { messages });
}

/** Waits until the latest messages are part of the memory, so that the page can say so. */
async function watchIndexing(id: string, from: number): Promise<void> {
  for (let look = 0; look < INDEX_LOOKS; look++) {
    const waiting = state.chats[id]?.messages?.slice(from).some((message) => !message.is_embedded);
    if (!waiting || state.chats[id]?.live) return;
    await new Promise((resolve) => setTimeout(resolve, 250 << look));
    if (state.chats[id]?.live) return;
    await reload(id, from);
  }
}

/** What came of replies and is not drawn yet: a fast model says more than a screen can show. */
const coming = new Map<string, string>();

function add(id: string, text: string): void {
  const before = coming.get(id);
  coming.set(id, (before ?? "") + text);
  if (before !== undefined) return;
  setTimeout(() => {
    const text = coming.get(id) ?? "";
    coming.delete(id);
    setLive(id, { reply: (state.chats[id]?.live?.reply ?? "") + text });
  }, DRAW_MILLIS);
}

function receive(id: string, name: string, data: unknown): void {
  if (name === "context") setLive(id, { context: data as Metadata });
  if (name === "delta") add(id, (data as { content: string }).content);
  if (name === "error") {
    throw new ApiError((data as { error: { message: string } }).error.message, 0, "failed");
  }
}

/** Returns whether the server has stored what was said. */
async function converse(id: string, content: string, supersedes?: number): Promise<boolean> {
  const before = state.chats[id]?.messages ?? [];
  const at = supersedes ? before.findIndex((message) => message.id === supersedes) : -1;
  const kept = at < 0 ? before : before.slice(0, at);
  const live = { content, reply: "", context: null, stopping: false };
  setChat(id, { messages: kept, live, error: null });
  coming.delete(id);
  const abort = new AbortController();
  aborts.set(id, abort);
  let error: string | null = null;
  try {
    const sending = supersedes && at >= 0 ? { content, supersedes } : { content };
    await send(id, sending, abort.signal, ({ name, data }) => receive(id, name, data));
  } catch (cause) {
    if (!abort.signal.aborted) error = said(cause);
  }
  aborts.delete(id);
  try {
    await reload(id, kept.length);
  } catch (cause) {
    error ??= said(cause);
  }
  // A failure that is stored is shown in its place in the conversation.
  const last = state.chats[id]?.messages?.at(-1);
  if (last?.status === "failed") error = null;
  const stored = (state.chats[id]?.messages?.length ?? 0) > kept.length;
  setChat(id, { live: null, error });
  void refreshSessions().catch(() => undefined);
  void watchIndexing(id, kept.length).catch(() => undefined);
  return stored;
}

async function refreshSessions(): Promise<void> {
  const sessions = (await api.sessions()).filter((session) => !leaving.has(session.id));
  set({ sessions });
}

let modelTimer: ReturnType<typeof setTimeout> | undefined;

async function refreshModel(): Promise<void> {
  clearTimeout(modelTimer);
  try {
    set({ model: await api.modelStatus(), online: true });
  } catch {
    set({ online: false });
  }
  const settled = state.online && state.model?.status !== "loading";
  modelTimer = setTimeout(refreshModel, settled ? 20 * POLL_MILLIS : POLL_MILLIS);
}

export const actions = {
  async start(): Promise<void> {
    void refreshModel();
    window.addEventListener("hashchange", () => actions.follow());
    // Who leaves has decided: what could still be undone is done.
    window.addEventListener("pagehide", () => leaving.forEach((finish) => finish()));
    await attempt(refreshSessions);
    actions.follow();
  },

  /** Shows what the address names. */
  follow(): void {
    const id = /^#\/sessions\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;
    set({ current: id, panel: null, target: null });
    if (!id) return;
    const open = async () => {
      // Another window, or a program, may have made it.
      if (!state.sessions?.some((session) => session.id === id)) await refreshSessions();
      if (!state.chats[id]?.messages) await reload(id, 0);
    };
    void attempt(open).then(() => {
      if (!state.chats[id]?.messages && state.current === id) actions.open(null);
    });
  },

  open(id: string | null): void {
    const hash = id ? `#/sessions/${id}` : "#/";
    if (location.hash === hash) actions.follow();
    else location.hash = hash;
  },

  show(panel: Panel): void {
    set({ panel });
  },

  /** Brings a message of the session into view; a panel that lies over it makes way. */
  jump(message: number | null): void {
    const covered = message !== null && matchMedia("(max-width: 72rem)").matches;
    set({ target: message, ...(covered && { panel: null }) });
  },

  dismiss(id: number): void {
    set({ toasts: state.toasts.filter((other) => other.id !== id) });
  },

  /** Says something in the session that is shown, or in a new one. */
  async say(content: string): Promise<void> {
    let id = state.current;
    setChat(id ?? NEW, { draft: "" });
    let stored = false;
    await attempt(async () => {
      if (!id) {
        const session = await api.createSession();
        set({ sessions: [session, ...(state.sessions ?? [])] });
        id = session.id;
        setChat(id, { messages: [] });
        actions.open(id);
      }
      const session = state.sessions?.find((other) => other.id === id);
      if (session && !session.name) void actions.rename(id, title(content));
      stored = await converse(id, content);
    });
    if (!stored && !chatOf(state, id).draft) setChat(id ?? NEW, { draft: content });
  },

  write(id: string | null, draft: string): void {
    setChat(id ?? NEW, { draft });
  },

  /** Says it again, or something else in its place; what came after it is out of the session. */
  async sayInstead(message: Message, content: string): Promise<void> {
    await attempt(async () => {
      const before = state.chats[message.session_id]?.messages ?? null;
      const stored = await converse(message.session_id, content, message.id);
      if (!stored) setChat(message.session_id, { messages: before });
    });
  },

  async stop(id: string): Promise<void> {
    setLive(id, { stopping: true });
    try {
      await api.cancel(id);
    } catch {
      aborts.get(id)?.abort();
    }
  },

  async rename(id: string, name: string): Promise<void> {
    await attempt(async () => replace(await api.renameSession(id, name.trim() || null)));
  },

  async setMemory(id: string, enabled: boolean): Promise<void> {
    await attempt(async () => replace(await api.setMemory(id, enabled)));
  },

  /** Hides a session at once, and deletes it when that can no longer be undone. */
  remove(session: Session): void {
    const before = state.sessions ?? [];
    const finish = () => {
      clearTimeout(timer);
      leaving.delete(session.id);
      void attempt(() => api.deleteSession(session.id));
    };
    const timer = setTimeout(finish, UNDO_MILLIS);
    leaving.set(session.id, finish);
    set({ sessions: before.filter((other) => other.id !== session.id) });
    const wasShown = state.current === session.id;
    if (wasShown) actions.open(null);
    const id = toast(`Deleted “${session.name ?? "New chat"}”`, () => {
      clearTimeout(timer);
      leaving.delete(session.id);
      actions.dismiss(id);
      void attempt(refreshSessions);
      if (wasShown) actions.open(session.id);
    });
  },

  /** Has another model answer from now on; the one before answers until it is loaded. */
  async useModel(name: string): Promise<void> {
    await attempt(async () => {
      await api.loadModel(name);
      await refreshModel();
    });
  },

  tell(text: string): void {
    toast(text);
  },

  async forget(id: string, message: number): Promise<boolean> {
    try {
      await api.forgetMemory(id, message);
      await reload(id, 0);
      return true;
    } catch (error) {
      toast(said(error));
      return false;
    }
  },
};
