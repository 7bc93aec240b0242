// The client of the Model Context Protocol's own JavaScript package.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { LOCI_URL, LOCI_SESSION } = process.env;
const client = new Client({ name: "loci-tests", version: "1.0.0" });
await client.connect(new StreamableHTTPClientTransport(new URL(`${LOCI_URL}/mcp`)));

const { tools } = await client.listTools();
const names = tools.map((tool) => tool.name).sort();
assert.deepEqual(names, ["forget", "recall", "remember", "search_documents"]);

async function call(name, given) {
  const result = await client.callTool({ name, arguments: given });
  assert.ok(!result.isError, JSON.stringify(result));
  return result.structuredContent;
}
const session_id = LOCI_SESSION;
const kept = await call("remember", { text: "The violin is in the blue cupboard.", session_id });
assert.equal(kept.session_id, session_id);
const { memories } = await call("recall", { query: "Where is the violin?", session_id });
assert.equal(memories[0].message_id, kept.message_id, JSON.stringify(memories));
await call("forget", { message_id: kept.message_id, session_id });
const after = await call("recall", { query: "Where is the violin?", session_id });
assert.deepEqual(after.memories, []);
await call("remember", { text: "From MCP in JavaScript.", session_id });
assert.deepEqual(await call("search_documents", { query: "violin" }), { passages: [] });

const wrong = await client.callTool({ name: "remember", arguments: { text: " " } });
assert.ok(wrong.isError && wrong.content[0].text, JSON.stringify(wrong));
await client.close();
