/** What is being written, in each chat: kept in this tab, so that a reload loses nothing. */

const NAME = "loci-drafts";

export const drafts = {
  /** What was being written, by the id of the chat. */
  read(): Record<string, string> {
    try {
      return JSON.parse(sessionStorage.getItem(NAME) ?? "{}") as Record<string, string>;
    } catch {
      // Storage may be forbidden; then a draft is known until the page is left.
      return {};
    }
  },

  write(id: string, draft: string): void {
    const { [id]: _before, ...others } = drafts.read();
    try {
      sessionStorage.setItem(NAME, JSON.stringify(draft ? { ...others, [id]: draft } : others));
    } catch {
      // As above.
    }
  },

  /** Whoever comes next, with another key, does not see them. */
  forget(): void {
    try {
      sessionStorage.removeItem(NAME);
    } catch {
      // As above.
    }
  },
};
