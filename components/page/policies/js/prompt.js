// From passages to the prompt that a model reads, as the server's turn does it: laid out, measured
// piece by piece, cut, and measured again. The decisions are the policies'; what stands here only
// does as they say.

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

export async function compose(policies, draft, tokenizer) {
  let layout = draft.layout;
  const request = { passages: draft.passages, now: draft.now };
  let plan = policies.assemble(layout, request);
  let frame = await tokenizer.frame(roles(plan));
  if (frame === null) {
    layout = "prompt-assembly-classic";
    plan = policies.assemble(layout, request);
    frame = await tokenizer.frame(roles(plan));
  }
  const { literals } = policies.describe(layout);
  const slots = await measure(plan, frame, literals, draft.passages, tokenizer);
  const items = slots.map((slot) => slot.item);
  const kept = truncate(policies, { items, budget: draft.budget });
  const cut = kept.some(({ count }, at) => count !== items[at].tokens);
  const lines = await apply(plan, slots, kept, tokenizer);
  return finish(layout, plan, lines, cut, draft.budget, tokenizer);
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
  let range = { start: 0, end: encoder.encode(text).length };
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
