import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";
import { memo, useEffect, useState } from "react";
import { Icon } from "./icons";

const marked = new Marked({ gfm: true, breaks: true });
marked.use({
  renderer: {
    // HTML of a model is something that it says, and is shown as such.
    html: ({ text }) => escape(text),
    // A picture from elsewhere would tell its server what is being read; its address is shown.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    // What cannot be ticked is no field.
    checkbox: ({ checked }) => {
      const [sign, name] = checked ? ["\u2611", "done"] : ["\u2610", "to do"];
      return `<span role="img" aria-label="${name}">${sign}</span> `;
    },
  },
  tokenizer: {
    // A formula stands in these brackets, and is not told from text without its backslashes.
    escape(source) {
      const raw = /^\\[()[\]]/.exec(source)?.[0];
      return raw ? { type: "escape", raw, text: raw } : false;
    },
  },
});

const escape = (text: string) =>
  text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
});

/** What a model may say with: text and its structure, and nothing that loads or acts. */
function sanitize(html: string, allowed: string[] = []): string {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "img", "video", "audio"],
    FORBID_ATTR: ["style", "class", "id", "name"].filter((name) => !allowed.includes(name)),
  });
}

/** A number that stands behind a place in a text, which is counted in bytes. */
export interface Mark {
  at: number;
  number: number;
}

/** Letters that no text has a use for hold the place of a number while Markdown is read. */
const [OPEN, CLOSE] = ["\ue000", "\ue001"];
const HELD = /\ue000(\d+)\ue001/g;

function withMarks(text: string, marks: Mark[]): string {
  const clean = text.replace(/[\ue000\ue001]/g, "");
  if (marks.length === 0 || clean.length !== text.length) return clean;
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  let [whole, last] = ["", 0];
  for (const { at, number } of [...marks].sort((one, other) => one.at - other.at)) {
    whole += `${decoder.decode(bytes.subarray(last, at))}${OPEN}${number}${CLOSE}`;
    last = at;
  }
  return whole + decoder.decode(bytes.subarray(last));
}

interface MarkdownProps {
  text: string;
  marks?: Mark[];
  onMark?: (number: number) => void;
}

/** Markdown that may still be growing. Only the blocks that change are drawn anew. */
export function Markdown({ text, marks = [], onMark }: MarkdownProps) {
  const tokens = marked.lexer(withMarks(text, marks)).filter((token) => token.type !== "space");
  const click = (event: React.MouseEvent) => {
    const mark = (event.target as Element).closest("[data-mark]");
    if (mark) onMark?.(Number(mark.getAttribute("data-mark")));
  };
  return (
    <div className="prose" onClick={click}>
      {tokens.map((token, at) => (
        <Block key={at} raw={token.raw} token={token} />
      ))}
    </div>
  );
}

const Block = memo(
  ({ token }: { raw: string; token: Token }) => {
    if (token.type === "code") {
      const code = token as Tokens.Code;
      return <Code token={{ ...code, text: code.text.replace(HELD, "") }} />;
    }
    // The first letter is one that no line breaks before.
    const mark = `\u2060<button class="mark" data-mark="$1" aria-label="Source $1">$1</button>`;
    const html = sanitize(marked.parser([token])).replace(HELD, mark);
    return <div className="block" dangerouslySetInnerHTML={{ __html: html }} />;
  },
  (before, after) => before.raw === after.raw,
);

/** Longer code is shown plain: colouring it would take longer than reading on. */
const COLOURED_LETTERS_MAX = 20_000;

function Code({ token }: { token: Tokens.Code }) {
  const [copied, setCopied] = useState(false);
  const [coloured, setColoured] = useState<{ code: string; html: string } | null>(null);
  const language = token.lang?.split(/\s/, 1)[0]?.toLowerCase() ?? "";
  const html = coloured?.code === token.text ? coloured.html : null;

  useEffect(() => {
    if (!language || token.text.length > COLOURED_LETTERS_MAX) return;
    let stale = false;
    // Without the colours the code is there all the same.
    const colour = async () => {
      const { highlight } = await import("./highlight");
      const html = highlight(token.text, language);
      if (html && !stale) setColoured({ code: token.text, html: sanitize(html, ["class"]) });
    };
    colour().catch(() => undefined);
    return () => {
      stale = true;
    };
  }, [token.text, language]);

  const copy = async () => {
    await navigator.clipboard.writeText(token.text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <figure className="code">
      <figcaption>
        <span>{language || "text"}</span>
        <button className="quiet small" onClick={() => void copy()}>
          <Icon name={copied ? "check" : "copy"} /> {copied ? "Copied" : "Copy"}
        </button>
      </figcaption>
      <pre tabIndex={0}>
        {html ? <code dangerouslySetInnerHTML={{ __html: html }} /> : <code>{token.text}</code>}
      </pre>
    </figure>
  );
}
