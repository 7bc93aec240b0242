/** What can be done with documents. */
import { ApiError, api, type Document } from "./api";
import { actions, attempt, isLeaving, read, set, withUndo } from "./store";

const POLL_MILLIS = 700;
const RETRY_MILLIS = 5_000;
let timer: ReturnType<typeof setTimeout> | undefined;

function isBusy(document: Document): boolean {
  return document.status === "queued" || document.status === "indexing";
}

/** Reads the list, and again as long as something in it is on its way. */
async function refresh(): Promise<void> {
  clearTimeout(timer);
  try {
    const list = (await api.documents()).filter((document) => !isLeaving(document.id));
    set({ documents: list });
    if (list.some(isBusy)) timer = setTimeout(() => void refresh(), POLL_MILLIS);
  } catch (error) {
    // A server without documents has no list, and the page shows none. Any other failure passes.
    if (error instanceof ApiError && error.status === 404) set({ documents: null });
    else timer = setTimeout(() => void refresh(), RETRY_MILLIS);
  }
}

export const documents = {
  refresh,

  /** Adds files to the library, and to the session that is shown; to a new one if there is none. */
  async upload(files: File[], session: string | null): Promise<void> {
    if (files.length === 0) return;
    set({ uploads: read().uploads + 1 });
    await attempt(async () => {
      const { documents, error } = await api.upload(files);
      await refresh();
      const target = session ?? (await actions.begin());
      if (!session && documents[0]) await actions.rename(target, documents[0].name);
      for (const document of documents) {
        actions.replace(await api.link(target, document.id));
      }
      const known = documents.filter((document) => document.duplicate);
      if (known.length > 0) actions.tell(`“${known[0]!.name}” was here already`);
      if (error) throw new Error(error.message);
    });
    set({ uploads: read().uploads - 1 });
  },

  async link(session: string, document: string, on: boolean): Promise<void> {
    await attempt(async () => {
      actions.replace(await (on ? api.link : api.unlink)(session, document));
    });
  },

  async rename(id: string, name: string): Promise<void> {
    await attempt(async () => {
      await api.renameDocument(id, name);
      await refresh();
    });
  },

  /** Hides a document at once, and deletes it when that can no longer be undone. */
  remove(document: Document): void {
    withUndo(document.id, `Deleted “${document.name}”`, {
      finish: () => api.deleteDocument(document.id),
      undo: () => void refresh(),
    });
    set({ documents: read().documents?.filter((other) => other.id !== document.id) ?? null });
  },
};
