/** What was said in chats, found by its words. */
import { useEffect, useRef, useState } from "react";
import { api, type Message, type Session } from "./api";
import { said } from "./state";

/** Who types is left in peace for so long. */
const WAIT_MILLIS = 250;
/** Fewer letters are in everything. */
const LETTERS_MIN = 2;
/** Messages shown of a chat, and in all, before one asks for more. */
const EACH_MAX = 3;
const ALL_MAX = 30;

export interface Hit {
  session: Session;
  message: Message;
}

export interface Found {
  hits: Hit[];
  /** How many places were told, those in chats that are gone included. */
  told: number;
  /** Whether there is more than is shown. */
  isMore: boolean;
  /** Why the search failed. */
  problem: string | null;
}

const NOTHING = { hits: [], told: 0, isMore: false, problem: null };

/** Searches on from what is found already. */
async function step(now: Found, sessions: Session[], text: string): Promise<Found> {
  try {
    // One more than is shown tells that there is more.
    const told = await api.findMessages(text, EACH_MAX, now.told, ALL_MAX + 1);
    const found = told.slice(0, ALL_MAX).flatMap((message) => {
      const session = sessions.find(({ id }) => id === message.session_id);
      return session ? [{ session, message }] : [];
    });
    return {
      hits: [...now.hits, ...found],
      told: now.told + Math.min(told.length, ALL_MAX),
      isMore: told.length > ALL_MAX,
      problem: null,
    };
  } catch (error) {
    return { ...now, problem: said(error) };
  }
}

/** The messages of these chats that contain a text; and how to search on. */
export function useFound(sessions: Session[] | null, text: string): [Found | null, () => void] {
  const [found, setFound] = useState<Found | null>(null);
  const run = useRef(0);
  const known = sessions?.length ?? 0;

  const search = async (from: Found) => {
    const mine = ++run.current;
    const now = await step(from, sessions ?? [], text);
    if (run.current === mine) setFound(now);
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
