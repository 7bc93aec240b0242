// The official OpenAI library for JavaScript.
import assert from "node:assert/strict";
import OpenAI from "openai";

const { LOCI_URL, LOCI_SESSION } = process.env;
const client = new OpenAI({ baseURL: `${LOCI_URL}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Say something." },
];
const models = [];
for await (const model of client.models.list()) models.push(model.id);
const [model, embedding] = models;

const whole = await client.chat.completions.create({ model, messages, seed: 7, max_tokens: 12 });
assert.equal(whole.usage.completion_tokens, 12);
let text = "";
let usage;
const stream = await client.chat.completions.create({
  model, messages, seed: 7, max_tokens: 12, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(text, whole.choices[0].message.content);
assert.deepEqual(usage, whole.usage);

// The library's own helper puts a stream together again.
const helped = client.chat.completions.stream({ model, messages, seed: 7, max_tokens: 12 });
assert.equal((await helped.finalChatCompletion()).choices[0].message.content, text);

const refused = client.chat.completions.create({ model: "gpt-4o", messages });
await assert.rejects(refused, (error) => {
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.equal(error.code, "model_not_found");
  assert.equal(error.param, "model");
  return true;
});

const packed = await client.embeddings.create({ model: embedding, input: "A violin." });
const plain = await client.embeddings.create(
  { model: embedding, input: "A violin.", encoding_format: "float" });
assert.equal(packed.data[0].embedding.length, plain.data[0].embedding.length);
assert.ok(Math.abs(packed.data[0].embedding[0] - plain.data[0].embedding[0]) < 1e-6);

const kept = await client.chat.completions.create(
  { model, messages: [{ role: "user", content: "From JavaScript." }], max_tokens: 8 },
  { headers: { "x-loci-session": LOCI_SESSION } });
assert.equal(kept.loci.session_id, LOCI_SESSION);

// Whoever leaves a stream is not waited for.
const left = await client.chat.completions.create({ model, messages, stream: true });
for await (const _ of left) break;
