import { expect, test } from "@playwright/test";
import type { Counts, Hook, Message, Metadata, Receipt } from "../web/api";
import { heading, sources } from "../web/citations";
import { change, recent, sampled, told, type Sample } from "../web/policies";
import { duration, fullness, inOrder, losses, shares } from "../web/receipt";
import { EventReader } from "../web/sse";
import { bytes, cut, plural, title, tooLarge } from "../web/text";
import { age, said } from "../web/time";
import { isUnanswered } from "../web/unanswered";

test("events come out whole, however the stream is cut", () => {
  const stream = 'event: a\ndata: {"n":1}\n\n: still here\n\nevent: b\ndata: {"n":\ndata: 2}\n\n';
  for (let size = 1; size <= stream.length; size++) {
    const reader = new EventReader();
    const found = [];
    for (let at = 0; at < stream.length; at += size) {
      found.push(...reader.push(stream.slice(at, at + size)));
    }
    expect(found).toEqual([
      { name: "a", data: { n: 1 } },
      { name: "b", data: { n: 2 } },
    ]);
  }
});

test("a passage is cut at bytes, not at letters", () => {
  expect(cut("Übermut tut gut", [[0, 8]])).toEqual([
    { text: "Übermut", used: true },
    { text: " tut gut", used: false },
  ]);
  expect(cut("abc", [[1, 2], [0, 1]])).toEqual([
    { text: "a", used: true },
    { text: "b", used: true },
    { text: "c", used: false },
  ]);
  expect(cut("abc", [[2, 9], [2, 1]])).toEqual([{ text: "abc", used: false }]);
});

test("a session is called by its first words", () => {
  expect(title("  Hello there\nand more")).toBe("Hello there");
  expect(title("## A *heading*")).toBe("A heading");
  const long = title("word ".repeat(40));
  expect(long.length).toBeLessThanOrEqual(49);
  expect(long.endsWith("word…")).toBe(true);
});

test("days are told as people tell them", () => {
  const now = new Date(2026, 2, 12, 15, 0);
  const at = (...parts: [number, number, number, number]) => new Date(...parts).toISOString();
  expect(said(at(2026, 2, 12, 9), now)).toContain("today at");
  expect(said(at(2026, 2, 11, 23), now)).toContain("yesterday at");
  expect(said(at(2026, 0, 5, 9), now)).not.toContain("2026");
  expect(said(at(2025, 0, 5, 9), now)).toContain("2025");
  expect(["Today", "Yesterday", "This week", "This month", "Earlier"]).toEqual(
    [12, 11, 6, -10, -40].map((day) => age(at(2026, 2, day, 9), now)),
  );
});

test("the shares of a receipt fill the context exactly", () => {
  const passage = { role: null, message_id: 1, turn: 1, score: 1, condensed: false, reason: null };
  const receipt = {
    context_tokens: 1_000,
    budget: 800,
    usage: { prompt_tokens: 300, cached_tokens: 0, completion_tokens: 9, total_tokens: 309 },
    history: { messages: 4, tokens: 120, first_turn: 2 },
    passages: [
      { ...passage, kind: "instruction", tokens: 40, kept_tokens: 40, state: "kept" },
      { ...passage, kind: "memory", tokens: 50, kept_tokens: 30, state: "cut" },
      { ...passage, kind: "memory", tokens: 50, kept_tokens: 0, state: "dropped" },
      { ...passage, kind: "query", tokens: 10, kept_tokens: 10, state: "kept" },
    ],
  } as unknown as Receipt;
  const parts = shares(receipt);
  expect(parts.map(({ kind, tokens }) => [kind, tokens])).toEqual([
    ["instruction", 40],
    ["history", 120],
    ["memory", 30],
    ["query", 10],
    ["words", 100],
    ["free", 500],
    ["reply", 200],
  ]);
  expect(parts.reduce((sum, part) => sum + part.tokens, 0)).toBe(1_000);
  expect(fullness(receipt)).toBe(38);
  expect(losses(receipt)).toEqual([{ text: "2 memories", tokens: 70 }]);
});

test("stages stand in the order of a turn, and times in units that fit", () => {
  expect(inOrder({ generate: 3, new: 4, store: 1, recall: 2 }).map(([name]) => name)).toEqual([
    "store",
    "recall",
    "generate",
    "new",
  ]);
  expect([950, 1_500, 25_000, 2_500_000].map(duration)).toEqual(["950 µs", "1.5 ms", "25 ms", "2.5 s"]);
});

test("what a reply cites comes first, numbered in the order of the reply", () => {
  const source = { kind: "memory" as const, score: 1, tokens: 5, spans: [[0, 4]] as [number, number][] };
  const metadata: Metadata = {
    consulted: [
      { ...source, message_id: 7 },
      { ...source, message_id: 8 },
      { ...source, message_id: 9 },
    ],
    cited: [
      { sentence: [0, 9], consulted: 2, span: [1, 3] },
      { sentence: [10, 19], consulted: 0, span: [0, 2] },
      { sentence: [20, 29], consulted: 2, span: [3, 4] },
    ],
  };
  const list = sources(metadata);
  expect(list.map(({ message_id, number }) => [message_id, number])).toEqual([
    [9, 1],
    [7, 2],
    [8, null],
  ]);
  expect(list[0]!.drawn).toEqual([
    [1, 3],
    [3, 4],
  ]);
  expect(heading(list)).toBe("2 sources, 1 more read");
  expect(heading(sources({ consulted: metadata.consulted! }))).toBe("3 memories read");
});

test("sizes and counts are told with their units", () => {
  expect([1, 999, 1_800, 15_000_000, 2_340_000_000].map(bytes)).toEqual([
    "1 byte",
    "999 bytes",
    "1.8 kB",
    "15 MB",
    "2.3 GB",
  ]);
  expect(plural(1, "page")).toBe("1 page");
  expect(plural(3, "memory", "memories")).toBe("3 memories");
});

test("what was asked lately is what came since a minute ago, by whom is in use first", () => {
  let samples: Sample[] = [];
  const at = (seconds: number, active: string, asked: Record<string, number>) => {
    const counts = Object.entries(asked).map(([digest, calls]): [string, Counts] => [digest, { calls, errors: 0 }]);
    const hook = { interface: "assembly", active, asked: Object.fromEntries(counts) } as unknown as Hook;
    samples = sampled(samples, [hook], seconds * 1_000);
    return recent(samples, hook).map(({ digest, calls }) => `${digest} ${calls}`);
  };
  expect(at(0, "a", { a: 5 })).toEqual([]);
  expect(at(30, "a", { a: 7 })).toEqual(["a 2"]);
  expect(at(45, "b", { a: 8, b: 1 })).toEqual(["b 1", "a 3"]);
  expect(at(95, "b", { a: 8, b: 1 })).toEqual(["b 1", "a 1"]);
  expect(at(110, "b", { a: 8, b: 2 })).toEqual(["b 1"]);
  // The server was started again.
  expect(at(172, "b", { b: 1 })).toEqual(["b 1"]);
});

test("a change is told in words, and so is what was done", () => {
  expect(change(200, 150)).toBe("25 % fewer");
  expect(change(1_000, 1_001)).toBe("under 1 % more");
  expect([change(7, 7), change(0, 3)]).toEqual(["as many", "from none"]);
  const event = { at: "", what: "canary-ended", interface: "assembly", digest: "0123456789", note: "by hand" };
  expect(told(event)).toBe("assembly 01234567 was taken back from its share: by hand");
  expect(told({ ...event, name: "calm", what: "added" })).toBe("calm was added");
});

test("a file over the limit never reads as if it were at it", () => {
  expect(tooLarge(15 * 2 ** 20)).toBe(null);
  expect(tooLarge(15 * 2 ** 20 + 1)).toContain("15.1 MiB");
});

test("only the last thing said waits for an answer, and notes do not", () => {
  const chat = (...roles: string[]) => roles.map((role) => ({ role, status: "ok" }) as Message);
  expect(isUnanswered(chat("user"))).toBe(true);
  expect(isUnanswered(chat("user", "assistant", "user"))).toBe(true);
  expect(isUnanswered(chat("user", "user", "assistant"))).toBe(false);
  expect(isUnanswered(chat("user", "user"))).toBe(false);
  expect(isUnanswered([{ role: "user", status: "failed" } as Message])).toBe(false);
  expect(isUnanswered([])).toBe(false);
});
