/** What was said in chats, found by its words. */
import { useEffect, useRef, useState } from "react";
import { ApiError, api, type Message, type Session } from "./api";
import { said } from "./state";

/** Who types is left in peace for so long. */
const WAIT_MILLIS = 250;
/** Fewer letters are in everything. */
const LETTERS_MIN = 2;
/** Chats that are searched at once, the latest first; messages shown of each, and in all. */
const SESSIONS_MAX = 200;
const EACH_MAX = 3;
const ALL_MAX = 30;
/** Requests that are under way at once. */
const AT_ONCE = 4;

export interface Hit {
  session: Session;
  message: Message;
}

export interface Found {
  hits: Hit[];
  /** How many chats were searched, the latest first, and of how many. */
  searched: number;
  of: number;
  /** Whether more may be there than is shown. */
  isFull: boolean;
  isDone: boolean;
  /** Why the search ended before its time. */
  problem: string | null;
}

const NOTHING = { hits: [], searched: 0, of: 0, isFull: false, isDone: false, problem: null };

/** What a chat has of a text; one that is deleted meanwhile has nothing. */
async function look(session: Session, text: string): Promise<Hit[]> {
  try {
    const messages = await api.findMessages(session.id, text, EACH_MAX);
    return messages.map((message) => ({ session, message }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

/** Searches a few chats more. */
async function step(now: Found, sessions: Session[], text: string): Promise<Found> {
  const some = sessions.slice(now.searched, now.searched + AT_ONCE);
  try {
    const found = (await Promise.all(some.map((one) => look(one, text)))).flat();
    const hits = [...now.hits, ...found].slice(0, ALL_MAX);
    const searched = now.searched + some.length;
    return { ...now, hits, searched, isFull: hits.length === ALL_MAX };
  } catch (error) {
    return { ...now, problem: said(error) };
  }
}

/** The messages of these chats that contain a text, as they are found; and how to search on. */
export function useFound(sessions: Session[] | null, text: string): [Found | null, () => void] {
  const [found, setFound] = useState<Found | null>(null);
  const run = useRef(0);
  const known = sessions?.length ?? 0;

  const search = async (from: Found) => {
    const mine = ++run.current;
    const list = sessions ?? [];
    const until = Math.min(from.searched + SESSIONS_MAX, list.length);
    let now: Found = { ...from, of: list.length, isDone: false, problem: null };
    do {
      now = await step(now, list.slice(0, until), text);
      now.isDone = now.searched >= until || now.isFull || now.problem !== null;
      if (run.current !== mine) return;
      setFound(now);
    } while (!now.isDone);
  };

  useEffect(() => {
    setFound(null);
    if (text.length < LETTERS_MIN || known === 0) return;
    const timer = setTimeout(() => void search(NOTHING), WAIT_MILLIS);
    return () => {
      run.current++;
      clearTimeout(timer);
    };
    // A chat that is renamed, or spoken in, changes nothing here.
  }, [known, text]);
  return [found, () => found && void search(found)];
}

/** The words around the first place of a text: what stands before it, it, and what follows. */
export function around(content: string, text: string, letters = 60): [string, string, string] {
  const at = Math.max(0, content.toLowerCase().indexOf(text.toLowerCase()));
  const from = Math.max(0, at - letters / 3);
  const before = content.slice(from, at);
  const cut = from > 0 ? `…${before.replace(/^\S*\s/, "")}` : before;
  const end = at + text.length;
  return [cut, content.slice(at, end), content.slice(end, end + letters)];
}
