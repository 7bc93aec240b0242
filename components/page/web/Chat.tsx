import { useLayoutEffect, useRef, useState } from "react";
import { useBundled } from "./bundled";
import { Composer } from "./Composer";
import { Header } from "./Header";
import { documents } from "./documents";
import { LiveReply, Lost, MessageView } from "./MessageView";
import { actions, chatOf, currentSession, type State } from "./store";
import { chatName } from "./text";
import { isUnanswered } from "./unanswered";
import { Ask, Welcome } from "./Welcome";

/** Messages that are drawn at first; the others wait behind a button. */
const SHOWN = 80;
/** Within so many pixels of the end, the view follows what is said. */
const NEAR = 120;

export function Chat({ state }: { state: State }) {
  const session = currentSession(state);
  const chat = chatOf(state, state.current);
  const [shown, setShown] = useState(SHOWN);
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [away, setAway] = useState(false);
  const { messages, live } = chat;
  const spoke = useRef(false);
  if (live) spoke.current = true;

  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && follows.current) box.scrollTop = box.scrollHeight;
  }, [messages, live]);

  useLayoutEffect(() => {
    const at = messages?.findIndex((message) => message.id === state.target) ?? -1;
    if (at < 0) return;
    const needed = messages!.length - at + 5;
    if (needed > shown) return setShown(needed);
    follows.current = false;
    const message = document.getElementById(`message-${state.target}`);
    message?.scrollIntoView({ block: "center" });
    message?.classList.add("found");
    setTimeout(() => message?.classList.remove("found"), 1_600);
    actions.jump(null);
  }, [messages, shown, state.target]);

  const onScroll = () => {
    const box = scroller.current!;
    follows.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    setAway(!follows.current);
  };
  const toLatest = () => {
    const box = scroller.current!;
    box.scrollTop = box.scrollHeight;
    document.getElementById("composer")?.focus({ preventScroll: true });
  };
  const linked = session?.rag_document_ids?.length ?? 0;
  const isBundled = useBundled(state.model, linked > 0);
  const isNew = !state.current || (messages?.length === 0 && !live && !chat.lost);
  const list = messages?.slice(-shown) ?? [];
  const hidden = (messages?.length ?? 0) - list.length;
  return (
    <section className={`chat${isNew ? " is-new" : ""}`} aria-label={chatName(session)}>
      {session && <Header session={session} messages={messages ?? []} state={state} />}
      <div className="scroller" ref={scroller} onScroll={onScroll}>
        {isNew ? (
          <Welcome model={state.model} first={state.sessions?.length === 0} named={Boolean(session)} />
        ) : (
          <ol className="messages">
            {hidden > 0 && (
              <li className="earlier">
                <button onClick={() => setShown(shown + 2 * SHOWN)}>
                  Show earlier messages ({hidden})
                </button>
              </li>
            )}
            {list.map((message, at) => (
              <MessageView
                key={message.id}
                message={message}
                messages={messages!}
                panel={state.panel}
                busy={live !== null}
                editing={state.editing === message.id}
                unanswered={at === list.length - 1 && isUnanswered(messages!)}
              />
            ))}
            {chat.lost && <Lost content={chat.lost.content} />}
            {live && <LiveReply live={live} messages={messages ?? []} />}
            {chat.error && (
              <li className="failure" role="alert">
                {chat.error}
              </li>
            )}
            {!live && !chat.lost && <Ask messages={list} />}
          </ol>
        )}
      </div>
      <p className="unseen" role="status">
        {live ? "The reply is being written" : spoke.current ? "The reply is there" : ""}
      </p>
      <Composer
        text={chat.draft}
        onText={(text) => actions.write(state.current, text)}
        live={live}
        model={state.model}
        remembers={session?.long_term_memory_enabled ?? true}
        onSend={(text) => {
          follows.current = true;
          void actions.say(text);
        }}
        trying={state.panel?.kind === "try"}
        onTry={() => {
          actions.show(state.panel?.kind === "try" ? null : { kind: "try" });
          if (matchMedia("(min-width: 72rem)").matches) document.getElementById("composer")?.focus();
        }}
        onFiles={
          state.documents ? (files) => void documents.upload(files, state.current) : undefined
        }
        sending={state.uploads > 0}
        onLatest={away && !isNew ? toLatest : undefined}
        weak={linked > 0 && isBundled}
        onStop={() => state.current && void actions.stop(state.current)}
      />
    </section>
  );
}
