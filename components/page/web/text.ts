/** A passage cut into what stood in the prompt and what did not. */
export interface Part {
  text: string;
  used: boolean;
}

/** Cuts a text at spans of its UTF-8 bytes. Spans that do not fit are left out. */
export function cut(text: string, spans: [number, number][]): Part[] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const slice = (from: number, to: number) => decoder.decode(bytes.subarray(from, to));
  const sorted = [...spans].sort((one, other) => one[0] - other[0]);
  const parts: Part[] = [];
  let at = 0;
  for (const [start, end] of sorted) {
    if (start < at || end > bytes.length || start >= end) continue;
    if (start > at) parts.push({ text: slice(at, start), used: false });
    parts.push({ text: slice(start, end), used: true });
    at = end;
  }
  if (at < bytes.length) parts.push({ text: slice(at, bytes.length), used: false });
  return parts;
}

/** What a session is called until somebody names it: its first words. */
export function title(content: string): string {
  const line = content.trim().split("\n", 1)[0]!.replace(/[#*_`>]/g, "").trim();
  if (line.length <= 48) return line;
  return `${line.slice(0, 48).replace(/\s+\S*$/, "")}…`;
}

/** What a session is called; one without a name, or with an empty one, is called something too. */
export function chatName(session: { name: string | null } | undefined): string {
  return session?.name?.trim() || "New chat";
}

/** A size as people read it. */
export function bytes(count: number): string {
  if (count < 1_000) return plural(count, "byte");
  const step = Math.min(3, Math.floor(Math.log10(count) / 3));
  const value = count / 1_000 ** step;
  const digits = { maximumFractionDigits: value < 10 ? 1 : 0 };
  return `${value.toLocaleString(undefined, digits)} ${["", "kB", "MB", "GB"][step]}`;
}

/** The most bytes of a file, in units of 2^20; the server refuses what is larger. */
const FILE_MEBIBYTES_MAX = 15;

/** What is wrong with a file of so many bytes; null where nothing is. */
export function tooLarge(size: number): string | null {
  const mebibytes = size / 2 ** 20;
  if (mebibytes <= FILE_MEBIBYTES_MAX) return null;
  // What is over the limit must not read as if it were at it.
  const shown = (Math.ceil(mebibytes * 10) / 10).toLocaleString();
  return `it has ${shown} MiB, and a file may have at most ${FILE_MEBIBYTES_MAX} MiB`;
}

/** So many of something. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
