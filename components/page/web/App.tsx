import { useEffect, useRef, useState } from "react";
import { Chat } from "./Chat";
import { DocumentPanel } from "./DocumentPanel";
import { documents } from "./documents";
import { Gate } from "./Gate";
import { Icon } from "./icons";
import { InstructionPanel } from "./InstructionPanel";
import { MemoryPanel } from "./MemoryPanel";
import { ModelPanel } from "./ModelPanel";
import { PolicyPanel } from "./PolicyPanel";
import { ReceiptPanel } from "./ReceiptPanel";
import { Sidebar } from "./Sidebar";
import { actions, currentSession, useStore } from "./store";
import { Toasts } from "./Toasts";
import { TryPanel } from "./TryPanel";

export function App() {
  const state = useStore();
  const [menu, setMenu] = useState(false);
  const [dropping, setDropping] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const session = currentSession(state);
  // Where the chats are a drawer, what lies under it is out of reach.
  const drawer = menu && matchMedia("(max-width: 48rem)").matches;

  useEffect(() => {
    if (!drawer) return;
    const before = document.activeElement;
    document.querySelector<HTMLElement>(".close-menu")?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, [drawer]);
  useEffect(() => setMenu(false), [state.current, state.panel]);
  useEffect(() => {
    document.title = session?.name ? `${session.name} · Loci` : "Loci";
  }, [session?.name]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const command = event.ctrlKey || event.metaKey;
      if (command && event.key === "k") {
        event.preventDefault();
        setMenu(true);
        requestAnimationFrame(() => search.current?.focus());
      } else if (command && event.shiftKey && event.key.toLowerCase() === "o") {
        event.preventDefault();
        actions.open(null);
      } else if (event.key === "Escape" && !event.defaultPrevented) {
        setMenu(false);
        actions.show(null);
      }
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);

  useEffect(() => void documents.refresh(), []);
  const drop = state.documents
    ? {
        onDragOver: (event: React.DragEvent) => {
          if (!event.dataTransfer.types.includes("Files")) return;
          event.preventDefault();
          setDropping(true);
        },
        onDragLeave: (event: React.DragEvent) => {
          if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDropping(false);
        },
        onDrop: (event: React.DragEvent) => {
          event.preventDefault();
          setDropping(false);
          void documents.upload([...event.dataTransfer.files], state.current);
          actions.show({ kind: "documents" });
        },
      }
    : {};

  if (state.gate !== "open") {
    return (
      <>
        <Gate refused={state.gate === "refused"} />
        <Toasts toasts={state.toasts.slice(-1)} />
      </>
    );
  }
  return (
    <div className={`app${menu ? " menu-open" : ""}${state.panel ? " panel-open" : ""}`}>
      <a className="skip" href="#composer" onClick={focusComposer}>
        Skip to the message box
      </a>
      <Sidebar state={state} search={search} onClose={() => setMenu(false)} />
      {menu && <div className="scrim" onClick={() => setMenu(false)} />}
      <main {...drop} inert={drawer}>
        {dropping && <div className="dropping">Drop to add to this chat</div>}
        <button className="quiet menu-button" aria-label="Show chats" onClick={() => setMenu(true)}>
          <Icon name="menu" />
        </button>
        {!state.online && (
          <p className="banner" role="alert">
            The server does not answer. This page goes on as soon as it does.
          </p>
        )}
        <Chat key={state.current ?? "new"} state={state} />
      </main>
      {session && state.panel?.kind === "instruction" && (
        <InstructionPanel session={session} key={session.id} />
      )}
      {session && state.panel?.kind === "memories" && <MemoryPanel session={session} />}
      {session && state.panel?.kind === "receipt" && (
        <ReceiptPanel session={session} message={state.panel.message} key={state.panel.message} />
      )}
      {state.panel?.kind === "documents" && <DocumentPanel session={session} />}
      {state.panel?.kind === "try" && <TryPanel key={state.current ?? "new"} />}
      {state.panel?.kind === "policies" && <PolicyPanel />}
      {state.panel?.kind === "model" && <ModelPanel model={state.model} />}
      <Toasts toasts={state.toasts} />
    </div>
  );
}

function focusComposer(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("composer")?.focus();
}
