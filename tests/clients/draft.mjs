// Puts prompts together with the JavaScript package of the policies, says what they were made for,
// and compares with what the server put together itself.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , packed, address, session] = process.argv;
const folder = pathToFileURL(`${packed}/`);
const { exports } = JSON.parse(readFileSync(new URL("package.json", folder)));
const load = (name) => import(new URL(exports[name].default, folder).href);
// As on an edge runtime, which reads no files: with a module that is compiled already.
const policies = await load(".");
const module_or_path = new WebAssembly.Module(readFileSync(new URL(exports["./policies.wasm"], folder)));
await policies.default({ module_or_path });
const { choose, compose, render, DoesNotFit } = await load("./prompt");
const { tokenizer } = await load("./server");

async function ask(path, body) {
  const method = body ? "POST" : "GET";
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${address}/api/v1${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

async function draft(content, budget) {
  const asked = { content, max_tokens: 8, ...(budget && { prompt_tokens_max: budget }) };
  const path = session ? `/sessions/${session}/draft` : "/draft";
  const { status, body } = await ask(path, asked);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

async function composed(content, budget, most) {
  const found = await draft(content, budget);
  const measure = async (asked) => (await ask("/llm/measure", asked)).body;
  const meter = tokenizer(measure, found.model.digest);
  const passages = await choose(policies, found, meter, most);
  const asked = { layout: "prompt-assembly", passages, now: found.now, budget: found.budget };
  return { found, passages, prompt: await compose(policies, asked, meter) };
}

/** What the server makes of the same message. A reply that is stopped at once has a receipt too. */
async function said(content, found) {
  const max_tokens = found.model.context_tokens - found.budget;
  const stop = ["e", "a", " ", "t", "i", "n", "o", "s"];
  const message = { role: "user", content, max_tokens, stop };
  const { status, body } = await ask(`/sessions/${session}/messages`, message);
  if (status !== 201) return { error: body.error };
  return (await ask(`/sessions/${session}/messages/${body.id}/receipt`)).body;
}

const QUESTIONS = [
  "Where does my sister Oriane keep her violin?",
  "In which marina does the boat Meltemi lie, and since when?",
  "Schränkchen? 犬 🎻",
  "What was said about the harbour on the grey days?",
];

for (const [at, content] of QUESTIONS.entries()) {
  for (const budget of [undefined, 4_000, 1_500, 700]) {
    const { found, prompt } = await composed(content, budget);
    const receipt = await said(content, found);
    assert.equal(receipt.error, undefined, JSON.stringify(receipt));
    assert.deepEqual(receipt.degraded, []);
    assert.equal(receipt.budget, found.budget);
    assert.equal(render(prompt), receipt.prompt, `question ${at}, ${budget} tokens`);
    assert.equal(prompt.tokens, receipt.usage.prompt_tokens);
    assert.equal(prompt.templateTokens, receipt.template_tokens);
    assert.equal(prompt.isChat ? "chat" : "text", receipt.layout);
  }
}

// Fewer passages are fewer; what cannot fit is refused with the same numbers.
const { passages } = await composed(QUESTIONS[0], undefined, { memories: 2, documents: 0 });
const count = (kind) => passages.filter((one) => one.kind === kind).length;
assert.deepEqual([count("memory"), count("document")], [2, 0]);
const found = await draft(QUESTIONS[0], 20);
await assert.rejects(composed(QUESTIONS[0], 20), (error) => {
  assert.ok(error instanceof DoesNotFit);
  assert.equal(error.budget, found.budget);
  return true;
});
const { error } = await said(QUESTIONS[0], found);
assert.equal(error.code, "context_length_exceeded");
