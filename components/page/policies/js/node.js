// The same module, for programs that read files rather than fetch them: ready when it is imported.
import { readFileSync } from "node:fs";
import { initSync } from "./policies.js";

initSync({ module: readFileSync(new URL("policies_bg.wasm", import.meta.url)) });

export * from "./policies.js";
export default async function init() {}
