// Asks the JavaScript package of the policies what its standard input asks for, and writes the
// answers: one for each call, `{ ok }`, or `{ error }` with what was thrown.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// Imported by its folder, as `import … from "loci-policies"` finds it in `node_modules`.
const folder = pathToFileURL(`${process.argv[2]}/`);
const { exports } = JSON.parse(readFileSync(new URL("package.json", folder)));
const { StaticEmbedding, VectorIndex, ...policies } = await import(
  new URL(exports["."].node, folder).href
);

const table = readFileSync(new URL(exports["./embedding-static.bin"], folder));
const embedding = new StaticEmbedding(table);

/** Fills an index, looks for what is near, and hands out all of it. */
function vectors({ dimensions, entries, removed, queries, most }) {
  const index = new VectorIndex(dimensions);
  const ids = BigUint64Array.from(entries, ({ id }) => BigInt(id));
  const numbers = Float32Array.from(entries.flatMap(({ vector }) => vector));
  index.insert("scope", ids, numbers, 7n);
  index.remove("scope", BigUint64Array.from(removed, BigInt));
  const near = queries.map((query) => {
    const wanted = Float32Array.from(query);
    return [
      index.search(["scope", "none"], wanted, most),
      index.candidates(["scope", "none"], wanted, most),
    ];
  });
  return { mark: index.mark("scope"), near, snapshot: [...index.snapshot("scope", 0)] };
}

const calls = {
  ...policies,
  vectors,
  embed: (texts) => embedding.embed(texts).map((vector) => [...vector]),
  count: (texts) => [...embedding.count(texts)],
  digest: () => embedding.digest,
};

const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = asked.map(({ call, given }) => {
  try {
    return { ok: calls[call](...given) };
  } catch (error) {
    return { error: error.payload ?? error.message };
  }
});
const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);
process.stdout.write(JSON.stringify(answers, plain));
