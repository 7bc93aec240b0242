// A prompt policy: decides what the model reads, and in which order.
//
// It writes nothing itself. A plan names passages by id and span, and fixed words by their place in
// LITERALS. The manual of what it gets and answers is wit/assembly.wit.

// The only words that this policy can say.
const LITERALS = ["Notes:\n", "- ", "\n"];
const [NOTES, ITEM, LINE_END] = [0, 1, 2];

// The most notes of a kind that the model reads, and the most pieces of one.
const NOTES_MAX = 8;
const PIECES_MAX = 8;

const words = (literal, anchor) => ({ tag: "words", val: { literal, anchor } });
const excerpts = (passage) =>
  passage.kept.map((span) => ({ tag: "excerpt", val: { passage: passage.id, span } }));

export const types = {};

export const assembly = {
  describe() {
    const history = { turns: 16, block: 4, percent: 50 };
    return { name: "my-policy", literals: LITERALS, history, digest: "" };
  },

  assemble({ passages }) {
    const all = (kind) => passages.filter((passage) => passage.kind === kind);
    const [instructions, queries] = [all("instruction"), all("query")];
    if (instructions.length !== 1 || queries.length !== 1) {
      throw { tag: "incomplete-request" };
    }

    // The instruction, then what was said last, word for word: what stays the same from turn to
    // turn stands first, so that the model need not read it again.
    const messages = [...instructions, ...all("history")]
      .filter((passage) => passage.kept.length > 0)
      .map((passage) => ({ role: passage.role, parts: excerpts(passage) }));

    // Then one message of the user: notes, best first, and what the user says now.
    const parts = [];
    for (const kind of ["document", "memory"]) {
      const notes = all(kind).filter((passage) => passage.kept.length > 0).slice(0, NOTES_MAX);
      if (notes.length > 0) {
        parts.push(words(NOTES, { tag: "section", val: kind }));
      }
      for (const note of notes) {
        const held = { tag: "passage", val: note.id };
        parts.push(words(ITEM, held), ...excerpts(note).slice(0, PIECES_MAX), words(LINE_END, held));
      }
    }
    parts.push(...excerpts(queries[0]));
    messages.push({ role: "user", parts });
    return { layout: { tag: "chat", val: messages }, digest: "" };
  },
};
