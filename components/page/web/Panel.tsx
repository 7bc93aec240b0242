import { useEffect, useRef, type ReactNode } from "react";
import { Icon } from "./icons";
import { actions } from "./store";

/** What stands beside the chat, or over it where there is no room. */
interface Props {
  title: string;
  /** Whether one goes on with what one was at, where there is room for both. */
  inPassing?: boolean;
  children: ReactNode;
}

export function Panel({ title, inPassing = false, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (inPassing && matchMedia("(min-width: 72rem)").matches) return;
    const before = document.activeElement;
    heading.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <aside className="panel" aria-label={title}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button className="quiet" aria-label="Close" onClick={() => actions.show(null)}>
          <Icon name="close" />
        </button>
      </header>
      <div className="panel-body" tabIndex={-1}>
        {children}
      </div>
    </aside>
  );
}
