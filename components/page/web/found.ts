/** What was said in chats, found by its words. */
import { useEffect, useState } from "react";
import { api, type Message, type Session } from "./api";

/** Who types is left in peace for so long. */
const WAIT_MILLIS = 250;
/** Fewer letters are in everything. */
const LETTERS_MIN = 2;
/** Chats that are searched, the latest first; messages that are shown of each, and in all. */
const SESSIONS_MAX = 200;
const EACH_MAX = 3;
const ALL_MAX = 30;
/** Requests that are under way at once. */
const AT_ONCE = 4;

export interface Hit {
  session: Session;
  message: Message;
}

/** The messages of these chats that contain a text, as they are found. */
export function useFound(sessions: Session[] | null, text: string): Hit[] | null {
  const [found, setFound] = useState<Hit[] | null>(null);
  const known = sessions?.length ?? 0;
  useEffect(() => {
    setFound(null);
    if (text.length < LETTERS_MIN || !sessions) return;
    let stale = false;
    const look = async () => {
      const hits: Hit[] = [];
      const asked = sessions.slice(0, SESSIONS_MAX);
      for (let at = 0; at < asked.length && hits.length < ALL_MAX && !stale; at += AT_ONCE) {
        const some = asked.slice(at, at + AT_ONCE).map(async (session) => {
          // A chat that is deleted meanwhile has nothing.
          const messages = await api.findMessages(session.id, text, EACH_MAX).catch(() => []);
          return messages.map((message) => ({ session, message }));
        });
        hits.push(...(await Promise.all(some)).flat());
        if (!stale) setFound(hits.slice(0, ALL_MAX));
      }
      if (!stale) setFound(hits.slice(0, ALL_MAX));
    };
    const timer = setTimeout(() => void look(), WAIT_MILLIS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
    // A chat that is renamed, or spoken in, changes nothing here.
  }, [known, text]);
  return found;
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
