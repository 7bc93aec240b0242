/** What can be done with documents. */
import { ApiError, api, isAway, type Document } from "./api";
import { actions, attempt, isLeaving, read, said, set, withUndo } from "./store";
import { tooLarge } from "./text";

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

/** Adds a file to the library, and to a session, which is made if need be. Returns its id. */
async function add(file: File, session: string | null): Promise<string> {
  const wrong = tooLarge(file.size);
  if (wrong) throw new Error(wrong);
  const { documents, error } = await api.upload(file);
  if (error || !documents[0]) throw new Error(error?.message ?? "it was not stored");
  const [document] = documents;
  await refresh();
  const target = session ?? (await actions.begin());
  if (!session) await actions.rename(target, document.name);
  actions.replace(await api.link(target, document.id));
  if (document.duplicate) actions.tell(`“${document.name}” was here already`);
  return target;
}

export const documents = {
  refresh,

  /**
   * Adds files to the library, and to the session that is shown; to a new one if there is none. What
   * is wrong with one of them does not keep the others away.
   */
  async upload(files: File[], session: string | null): Promise<void> {
    let target = session;
    set({ uploads: read().uploads + 1 });
    for (const file of files) {
      try {
        target = await add(file, target);
      } catch (error) {
        actions.tell(`“${file.name}”: ${said(error)}`);
        if (isAway(error)) break;
      }
    }
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
