// From what was found to the prompt that a model reads, as the server's turn does it: chosen,
// condensed, laid out, measured piece by piece, cut, and measured again. The decisions are the
// policies'; what stands here only does as they say.

const MONTHS = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];

/** Thrown where what must stay is longer than the budget. */
export class DoesNotFit extends Error {
  constructor(needed, budget) {
    super(`${needed} tokens must stay, and ${budget} are allowed`);
    this.needed = needed;
    this.budget = budget;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The text of a span, whose ends are bytes of the UTF-8. */
const slice = (text, { start, end }) => decoder.decode(encoder.encode(text).subarray(start, end));

/** The day of a time in seconds, as in "12 March 2026". */
function day(seconds) {
  const date = new Date(seconds * 1000);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

export async function choose(policies, draft, tokenizer, most = {}) {
  const of = (kind, found, count) => pick(policies, draft, kind, found, count, tokenizer);
  const [memories, documents] = await Promise.all([
    of("memory", draft.memories, most.memories ?? draft.memories.most),
    of("document", draft.documents, most.documents ?? draft.documents.most),
  ]);
  const { instruction, history, query, now, turn } = draft;
  const notes = withRoom([documents, memories], draft.notes);
  const passages = [
    passage("instruction", { role: "system", ...instruction }),
    ...documents.filter((note) => notes.has(note)),
    ...memories.filter((note) => notes.has(note)),
    ...history.map((said) => passage("history", said)),
    passage("query", { role: "user", turn, said_at: now, ...query }),
  ];
  passages.forEach((one, id) => (one.id = id));
  return passages;
}

/** The notes that there is room for. The kinds take turns, each with its best first. */
function withRoom(kinds, { tokens_max, label }) {
  const chosen = new Set();
  const longest = Math.max(...kinds.map((notes) => notes.length));
  let left = tokens_max;
  for (let rank = 0; rank < longest; rank++) {
    for (const note of kinds.flatMap((notes) => notes.slice(rank, rank + 1))) {
      if (note.tokens + label > left) continue;
      left -= note.tokens + label;
      chosen.add(note);
    }
  }
  return chosen;
}

const bytes = (text) => encoder.encode(text).length;

/** As much of a text as ranking is shown. */
const beginning = (text) => (text.length > 2048 ? [...text].slice(0, 2048).join("") : text);

/** What is kept of a text that is short enough: all of it, in spans with their tokens. */
const whole = ({ text, tokens }) =>
  text === "" ? [] : [{ span: { start: 0, end: bytes(text) }, tokens }];

function passage(kind, found, kept = whole(found), score = 0) {
  return {
    id: 0,
    kind,
    role: found.role ?? "user",
    turn: found.turn ?? 0,
    score,
    ...(found.said_at !== undefined && { saidAt: found.said_at }),
    tokens: kept.reduce((sum, { tokens }) => sum + tokens, 0),
    text: found.text,
    kept: kept.map(({ span }) => span),
    spanTokens: kept.map(({ tokens }) => tokens),
    found,
  };
}

/** Has the policies choose, best first, and shorten what is too long. */
async function pick(policies, draft, kind, { candidates, tokens_max }, most, tokenizer) {
  if (candidates.length === 0) return [];
  const query = draft.query.text;
  const places = new Map(candidates.map(({ message_id }, id) => [message_id, id]));
  const asked = candidates.map((one, id) => {
    const { role = "user", name, said_at, follows, dense, common, lexical, text } = one;
    const before = follows === undefined ? undefined : places.get(follows);
    const read = { bytes: bytes(text), text: beginning(text) };
    return { id, kind, role, name, saidAt: said_at, follows: before, dense, common, lexical, ...read };
  });
  const search = { query: draft.searched, now: draft.now, candidates: asked, most };
  const choices = policies.rank(search);
  const chosen = choices.map(({ id, score }) => ({ found: candidates[id], score }));
  const long = chosen.filter(({ found }) => found.tokens > tokens_max);
  const sources = long.map(({ found: { text, tokens } }) => ({
    text,
    tokens,
    tokensMax: tokens_max,
  }));
  const spans = long.length > 0 ? policies.condense({ query, sources }) : [];
  const pieces = long.flatMap(({ found }, at) => spans[at].map((span) => slice(found.text, span)));
  const counts = pieces.length > 0 ? await tokenizer.count(pieces) : [];
  let place = 0;
  for (const [at, one] of long.entries()) {
    const measured = spans[at].map((span) => ({ span, tokens: counts[place++] }));
    one.kept = await shorten(one.found.text, measured, tokens_max, tokenizer);
  }
  return chosen
    .map(({ found, score, kept }) => passage(kind, found, kept, score))
    .filter(({ kept }) => kept.length > 0);
}

/** Cuts what is still too long at its end: a policy has no tokenizer, so it estimates. */
async function shorten(text, spans, tokensMax, tokenizer) {
  const kept = [];
  let left = tokensMax;
  for (const { span, tokens } of spans) {
    if (tokens <= left) {
      left -= tokens;
      kept.push({ span, tokens });
      continue;
    }
    const range = await tokenizer.clip(slice(text, span), left, "beginning");
    if (range.start < range.end) {
      const cut = { start: span.start, end: span.start + range.end };
      const [counted] = await tokenizer.count([slice(text, cut)]);
      kept.push({ span: cut, tokens: counted });
    }
    break;
  }
  return kept;
}

export async function compose(policies, asked, tokenizer) {
  let layout = asked.layout;
  const request = { passages: asked.passages, now: asked.now };
  let plan = policies.assemble(layout, request);
  let frame = await tokenizer.frame(roles(plan));
  if (frame === null) {
    layout = "prompt-assembly-classic";
    plan = policies.assemble(layout, request);
    frame = await tokenizer.frame(roles(plan));
  }
  const { literals } = policies.describe(layout);
  const slots = await measure(plan, frame, literals, asked.passages, tokenizer);
  const items = slots.map((slot) => slot.item);
  const kept = truncate(policies, { items, budget: asked.budget });
  const cut = kept.some(({ count }, at) => count !== items[at].tokens);
  const lines = await apply(plan, slots, kept, tokenizer);
  return finish(layout, plan, lines, cut, asked.budget, tokenizer);
}

const roles = ({ layout }) => (layout.tag === "chat" ? layout.val.map(({ role }) => role) : []);

function truncate(policies, request) {
  try {
    return policies.truncate(request);
  } catch (error) {
    if (error.payload?.tag !== "does-not-fit") throw error;
    throw new DoesNotFit(error.payload.val.needed, error.payload.val.budget);
  }
}

/** Every part of a plan as a measured item, with its text and the line that it belongs to. */
async function measure(plan, frame, literals, passages, tokenizer) {
  const byId = new Map(passages.map((passage) => [passage.id, passage]));
  const template = (anchor, tokens, line) => ({
    item: { content: { tag: "fixed", val: anchor }, tokens },
    line,
  });
  const slots = [];
  if (plan.layout.tag === "text") {
    slots.push(template({ tag: "always" }, frame[0], 0));
    slots.push(...plan.layout.val.map((part) => slot(part, 0, literals, byId)));
  } else {
    plan.layout.val.forEach((message, line) => {
      slots.push(template(anchorOf(message, byId), frame[line], line));
      slots.push(...message.parts.map((part) => slot(part, line, literals, byId)));
    });
    slots.push(template({ tag: "always" }, frame.at(-1), Math.max(0, frame.length - 2)));
  }
  const unmeasured = slots.filter((slot) => slot.text && slot.item.tokens === undefined);
  const counts = unmeasured.length ? await tokenizer.count(unmeasured.map(({ text }) => text)) : [];
  unmeasured.forEach((slot, at) => (slot.item.tokens = counts[at]));
  slots.forEach((slot) => (slot.item.tokens ??= 0));
  return slots;
}

function slot(part, line, literals, byId) {
  if (part.tag === "words") {
    const { literal, anchor } = part.val;
    return { item: { content: { tag: "fixed", val: anchor } }, line, text: literals[literal] };
  }
  if (part.tag === "said-on") {
    const { saidAt } = byId.get(part.val);
    const anchor = { tag: "passage", val: part.val };
    const text = saidAt === undefined || saidAt === null ? "" : day(saidAt);
    return { item: { content: { tag: "fixed", val: anchor } }, line, text };
  }
  const { passage: id, span } = part.val;
  const passage = byId.get(id);
  const whole = passage.kept.findIndex(
    (kept) => kept.start === span.start && kept.end === span.end,
  );
  const content = { tag: "excerpt", val: { passage: id, kind: passage.kind } };
  const item = { content, tokens: passage.spanTokens[whole] };
  return { item, line, text: slice(passage.text, span), passage: id, span };
}

/** What holds the template around a message: the one passage or section that all parts hang on. */
function anchorOf({ parts }, byId) {
  const holders = parts.map((part) => {
    if (part.tag === "excerpt") return holder(part.val.passage, byId);
    if (part.tag === "said-on") return holder(part.val, byId);
    const { anchor } = part.val;
    if (anchor.tag === "always") return null;
    return anchor.tag === "section" ? { kind: anchor.val } : holder(anchor.val, byId);
  });
  const [first] = holders;
  if (!first || holders.includes(null)) return { tag: "always" };
  if (first.id !== undefined && holders.every(({ id }) => id === first.id)) {
    return { tag: "passage", val: first.id };
  }
  if (holders.every(({ kind }) => kind === first.kind)) return { tag: "section", val: first.kind };
  return { tag: "always" };
}

const holder = (id, byId) => ({ id, kind: byId.get(id).kind });

/** Leaves out what was dropped, and cuts what was cut. */
async function apply(plan, slots, kept, tokenizer) {
  const { layout } = plan;
  const lines =
    layout.tag === "chat"
      ? layout.val.map(({ role }) => ({ role, pieces: [] }))
      : [{ role: "user", pieces: [] }];
  for (const [at, slot] of slots.entries()) {
    const { first, count } = kept[at];
    const { tokens } = slot.item;
    if (!slot.text || (count === 0 && tokens > 0)) continue;
    const { text, passage, span } = slot;
    const piece = { text, tokens, ...(passage !== undefined && { passage, span }) };
    const left = count === tokens ? piece : await clip(piece, first, count, tokenizer);
    if (left) lines[slot.line].pieces.push(left);
  }
  return lines;
}

/** Cuts one excerpt to the tokens that are kept of it; nothing may be left. */
async function clip(piece, first, count, tokenizer) {
  const { text, tokens, passage, span } = piece;
  if (passage === undefined) return null;
  let range = { start: 0, end: bytes(text) };
  if (first + count < tokens) range = await tokenizer.clip(text, first + count, "beginning");
  if (first > 0) {
    const tail = await tokenizer.clip(slice(text, range), count, "end");
    range = { start: range.start + tail.start, end: range.start + tail.end };
  }
  if (range.start === range.end) return null;
  const left = slice(text, range);
  const [measured] = await tokenizer.count([left]);
  const kept = { start: span.start + range.start, end: span.start + range.end };
  return { text: left, tokens: measured, passage, span: kept };
}

/** Measures what is left as the model will read it. */
async function finish(layout, plan, all, cut, budget, tokenizer) {
  const isChat = plan.layout.tag === "chat";
  const lines = all.filter(({ pieces }) => pieces.length > 0);
  let frame;
  for (;;) {
    frame = await tokenizer.frame(isChat ? lines.map(({ role }) => role) : []);
    if (frame) break;
    // Its message fell, and the template refuses an answer to nothing.
    const first = lines.findIndex(({ role }) => role !== "system");
    if (!cut || lines[first]?.role !== "assistant") {
      throw new Error("the model's chat template cannot express what is left");
    }
    lines.splice(first, 1);
  }
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const templateTokens = sum(frame);
  const tokens = templateTokens + sum(lines.flatMap(({ pieces }) => pieces).map((p) => p.tokens));
  if (tokens > budget) throw new DoesNotFit(tokens, budget);
  return { layout, lines, isChat, tokens, templateTokens };
}

export function render({ lines, isChat }) {
  const texts = lines.map(({ pieces }) => pieces.map(({ text }) => text).join(""));
  if (!isChat) return texts.join("");
  return lines.map(({ role }, at) => `[${role}]\n${texts[at]}`).join("\n\n");
}
