/** The key that the server knows this browser by, where it wants one. */

const NAME = "loci-key";
let known: string | null = read();

function read(): string | null {
  try {
    return localStorage.getItem(NAME);
  } catch {
    // Storage may be forbidden; then the key is known until the page is left.
    return null;
  }
}

export const key = {
  isKnown: () => known !== null,

  /** Keeps a key, in this browser only; none forgets it. */
  set(text: string | null): void {
    known = text;
    try {
      if (text === null) localStorage.removeItem(NAME);
      else localStorage.setItem(NAME, text);
    } catch {
      // As above.
    }
  },

  /** These headers, with the key among them. */
  headers(others: Record<string, string> = {}): Headers {
    const headers = new Headers(others);
    if (known !== null) headers.set("authorization", `Bearer ${known}`);
    return headers;
  },
};
