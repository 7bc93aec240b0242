/** What can be done with sessions, what is said in them, and the model. */
import { ApiError, api, isAway, send, type Message, type Metadata, type Session } from "./api";
import { drafts } from "./drafts";
import { key } from "./key";
import {
  attempt,
  chatOf,
  dismiss,
  finishAll,
  isLeaving,
  NEW,
  read,
  said,
  set,
  setChat,
  setLive,
  toast,
  withUndo,
  type Panel,
} from "./state";
import { chatName, title } from "./text";

export * from "./state";

const DRAW_MILLIS = 40;
const POLL_MILLIS = 1_500;
/** A message is indexed moments after its reply, or later on a busy machine: looked for so often, */
const INDEX_LOOKS = 24;
/** and at first in quick succession, then once in so many milliseconds. */
const INDEX_WAIT_MILLIS = 5_000;

const aborts = new Map<string, AbortController>();

/** Puts a session in the place of what was known of it; the one that spoke last comes first. */
function replace(session: Session): void {
  if (isLeaving(session.id)) return;
  const others = read().sessions?.filter((other) => other.id !== session.id) ?? [];
  const time = (one: Session) => Date.parse(one.last_updated_at);
  set({ sessions: [session, ...others].sort((one, other) => time(other) - time(one)) });
}

/** Reads the messages of a session from a place on; those before it are kept. */
async function reload(id: string, from: number): Promise<void> {
  const known = read().chats[id]?.messages?.slice(0, from) ?? [];
  const messages = [...known, ...(await api.messages(id, known.length))];
  setChat(id, { messages });
}

/** Waits until the latest messages are part of the memory, so that the page can say so. */
async function watchIndexing(id: string, from: number): Promise<void> {
  for (let look = 0; look < INDEX_LOOKS; look++) {
    const waiting = read().chats[id]?.messages?.slice(from).some((message) => !message.is_embedded);
    if (!waiting || read().chats[id]?.live) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(250 * 2 ** look, INDEX_WAIT_MILLIS)));
    if (read().chats[id]?.live) return;
    await reload(id, from);
  }
}

/** What came of replies and is not drawn yet: a fast model says more than a screen can show. */
const coming = new Map<string, Coming>();

interface Coming {
  thought: string;
  reply: string;
}

/** How long it took to draw a reply last time: a long one must leave time for everything else. */
let drawing = 0;

function add(id: string, part: keyof Coming, text: string): void {
  const before = coming.get(id);
  const now = before ?? { thought: "", reply: "" };
  coming.set(id, { ...now, [part]: now[part] + text });
  if (before !== undefined) return;
  setTimeout(() => {
    const more = coming.get(id) ?? { thought: "", reply: "" };
    coming.delete(id);
    const start = performance.now();
    const { thought = "", reply = "" } = read().chats[id]?.live ?? {};
    setLive(id, { thought: thought + more.thought, reply: reply + more.reply });
    setTimeout(() => (drawing = performance.now() - start));
  }, Math.max(DRAW_MILLIS, 3 * drawing));
}

function receive(id: string, name: string, data: unknown): void {
  if (name === "context") setLive(id, { context: data as Metadata });
  if (name === "reasoning") add(id, "thought", (data as { content: string }).content);
  if (name === "delta") add(id, "reply", (data as { content: string }).content);
  if (name === "error") {
    throw new ApiError((data as { error: { message: string } }).error.message, 0, "failed");
  }
}

/**
 * Returns whether the server has stored what was said, or may have: where the connection broke off,
 * that is found out when it is there again.
 */
async function converse(id: string, content: string, supersedes?: number): Promise<boolean> {
  const before = read().chats[id]?.messages ?? [];
  const at = supersedes ? before.findIndex((message) => message.id === supersedes) : -1;
  const kept = at < 0 ? before : before.slice(0, at);
  const live = { content, thought: "", reply: "", context: null, stopping: false };
  setChat(id, { messages: kept, live, error: null, lost: null });
  coming.delete(id);
  const abort = new AbortController();
  aborts.set(id, abort);
  let error: string | null = null;
  try {
    const sending = supersedes && at >= 0 ? { content, supersedes } : { content };
    await send(id, sending, abort.signal, ({ name, data }) => receive(id, name, data));
  } catch (cause) {
    if (!abort.signal.aborted) error = said(cause);
    if (isAway(cause)) void refreshModel();
  }
  aborts.delete(id);
  try {
    await reload(id, kept.length);
  } catch (cause) {
    if (isAway(cause)) {
      setChat(id, { live: null, lost: { content } });
      return true;
    }
    error ??= said(cause);
  }
  // A failure that is stored is shown in its place in the conversation.
  const last = read().chats[id]?.messages?.at(-1);
  if (last?.status === "failed") error = null;
  const stored = (read().chats[id]?.messages?.length ?? 0) > kept.length;
  setChat(id, { live: null, error });
  api.session(id).then(replace, () => undefined);
  void watchIndexing(id, kept.length).catch(() => undefined);
  return stored;
}

/** Reads anew what is shown, and what became of what was said when the connection broke off. */
async function recover(): Promise<void> {
  await refreshSessions();
  const { chats, current } = read();
  for (const [id, { lost, live, messages }] of Object.entries(chats)) {
    if (live || !(lost || (id === current && messages))) continue;
    const from = messages?.length ?? 0;
    await reload(id, 0);
    setChat(id, { lost: null });
    const since = lost ? (read().chats[id]?.messages ?? []).slice(from) : [];
    const isStored = since.some((one) => one.role === "user" && one.content === lost?.content);
    if (lost && !isStored) {
      setChat(id, { draft: read().chats[id]?.draft || lost.content });
      toast("What you said last did not arrive. It stands in the message box again.");
    }
    void watchIndexing(id, from).catch(() => undefined);
  }
}

async function refreshSessions(): Promise<void> {
  const sessions = (await api.sessions()).filter((session) => !isLeaving(session.id));
  set({ sessions });
}

let modelTimer: ReturnType<typeof setTimeout> | undefined;

async function refreshModel(): Promise<void> {
  clearTimeout(modelTimer);
  const wasAway = !read().online;
  try {
    set({ model: await api.modelStatus(), online: true });
    if (wasAway) await recover();
  } catch (error) {
    // A server that refuses to answer is there.
    set({ online: !isAway(error) });
  }
  // Another call may have begun to wait meanwhile.
  clearTimeout(modelTimer);
  const settled = read().online && read().model?.status !== "loading";
  modelTimer = setTimeout(refreshModel, settled ? 20 * POLL_MILLIS : POLL_MILLIS);
}

/** What a memory is called while it can still be kept. */
export function memoryKey(message: number): string {
  return `memory ${message}`;
}

/** The id of the session that the address names; null for a new one. */
function addressed(): string | null {
  return /^#\/sessions\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;
}

/** The message that is to be shown when the address leads to its session. */
let wanted: { id: string; message: number } | null = null;

export const actions = {
  async start(): Promise<void> {
    void refreshModel();
    window.addEventListener("hashchange", () => actions.follow());
    window.addEventListener("pagehide", finishAll);
    // What is written before the list is there belongs to the chat that the address names.
    set({ current: addressed() });
    await attempt(refreshSessions);
    // Whoever was quicker than the list of sessions has opened a panel by now.
    if (read().gate === "open") actions.follow(read().panel);
  },

  /** Tries a key, and begins anew with it if the server knows it. */
  async unlock(text: string): Promise<void> {
    key.set(text);
    try {
      await api.sessions();
      location.reload();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) toast(said(error));
    }
  },

  /** Forgets the key, and begins anew without one. */
  lock(): void {
    key.set(null);
    drafts.forget();
    location.reload();
  },

  /** Shows what the address names, and nothing beside it but this. */
  follow(panel: Panel | null = null): void {
    const id = addressed();
    const target = wanted?.id === id ? wanted.message : null;
    wanted = null;
    set({ current: id, panel, target, editing: null });
    if (!id) return;
    const open = async () => {
      // Another window, or a program, may have made it.
      if (!read().sessions?.some((session) => session.id === id)) replace(await api.session(id));
      if (!read().chats[id]?.messages) await reload(id, 0);
    };
    void attempt(open).then(() => {
      if (!read().chats[id]?.messages && read().current === id) actions.open(null);
    });
  },

  /** Shows a session, or a new one; and a message in it, wherever it stands. */
  open(id: string | null, message: number | null = null): void {
    if (id && message !== null) wanted = { id, message };
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

  dismiss,
  replace,

  /** Makes a session, and shows it. */
  async begin(): Promise<string> {
    const session = await api.createSession();
    set({ sessions: [session, ...(read().sessions ?? [])] });
    setChat(session.id, { messages: [], draft: chatOf(read(), null).draft });
    setChat(NEW, { draft: "" });
    actions.open(session.id);
    return session.id;
  },

  /** Says something in the session that is shown, or in a new one. */
  async say(content: string): Promise<void> {
    let id = read().current;
    setChat(id ?? NEW, { draft: "" });
    let stored = false;
    await attempt(async () => {
      id ??= await actions.begin();
      const session = read().sessions?.find((other) => other.id === id);
      if (session && !session.name) void actions.rename(id, title(content));
      stored = await converse(id, content);
    });
    if (!stored && !chatOf(read(), id).draft) setChat(id ?? NEW, { draft: content });
  },

  write(id: string | null, draft: string): void {
    setChat(id ?? NEW, { draft });
  },

  /** Opens a message to say it in other words; none closes it. */
  edit(message: number | null): void {
    set({ editing: message });
  },

  /** Says it again, or something else in its place; what came after it is out of the session. */
  async sayInstead(message: Message, content: string): Promise<void> {
    await attempt(async () => {
      const before = read().chats[message.session_id]?.messages ?? null;
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

  /** Says what the model is to be and do in a session; none leaves that to the server. */
  async instruct(id: string, instruction: string | null): Promise<void> {
    await attempt(async () => {
      replace(await api.instruct(id, instruction));
      toast(instruction ? "The next reply follows it" : "The next reply follows the server's own");
    });
  },

  /** Hides a session at once, and deletes it when that can no longer be undone. */
  remove(session: Session): void {
    const wasShown = read().current === session.id;
    withUndo(session.id, `Deleted “${chatName(session)}”`, {
      finish: () => api.deleteSession(session.id),
      undo: () => {
        void attempt(refreshSessions);
        if (wasShown) actions.open(session.id);
      },
    });
    set({ sessions: read().sessions?.filter((other) => other.id !== session.id) ?? null });
    if (wasShown) actions.open(null);
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

  /** Hides a memory at once, and forgets it when that can no longer be undone. */
  forget(id: string, message: number, undo: () => void): void {
    withUndo(memoryKey(message), "Forgotten: it stays in the chat", {
      finish: async () => {
        await api.forgetMemory(id, message);
        await reload(id, 0);
      },
      undo,
    });
  },
};
