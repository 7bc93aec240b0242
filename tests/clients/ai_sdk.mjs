// Vercel's AI SDK, with its provider for compatible servers.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateObject, generateText, jsonSchema, streamText } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { LOCI_URL, LOCI_SESSION } = process.env;
const settings = { name: "loci", baseURL: `${LOCI_URL}/v1`, includeUsage: true };
const loci = createOpenAICompatible({ ...settings, supportsStructuredOutputs: true });
const asked = { model: loci("loci"), system: "Be brief.", prompt: "Say something.", seed: 7 };

const whole = await generateText({ ...asked, maxOutputTokens: 12 });
assert.equal(whole.usage.outputTokens, 12);
assert.equal(whole.finishReason, "length");
const stream = streamText({ ...asked, maxOutputTokens: 12 });
let text = "";
for await (const part of stream.textStream) text += part;
assert.equal(text, whole.text);
assert.deepEqual((await stream.usage).outputTokens, 12);

const schema = jsonSchema({
  type: "object",
  properties: { a: { type: "boolean" } },
  required: ["a"],
  additionalProperties: false,
});
const { object } = await generateObject({ ...asked, seed: 1, maxOutputTokens: 256, schema });
assert.equal(typeof object.a, "boolean");

const { embeddings } = await embedMany({
  model: loci.textEmbeddingModel("loci"),
  values: ["A violin.", "A cupboard."],
});
assert.equal(embeddings.length, 2);

const headers = { "x-loci-session": LOCI_SESSION };
const remembering = createOpenAICompatible({ ...settings, headers });
await generateText({ model: remembering("loci"), prompt: "From the AI SDK.", maxOutputTokens: 8 });
