// Builds the page and lists its files for the component that serves them, in `target/page`.
// Does nothing where nothing has changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(here, "../../target/page");

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");

/** All files below a folder, in a fixed order. */
function files(folder) {
  const entries = fs.readdirSync(folder, { withFileTypes: true, recursive: true });
  const found = entries.filter((entry) => entry.isFile());
  return found.map((entry) => path.join(entry.parentPath, entry.name)).sort();
}

function npm(...words) {
  const { status, error } = spawnSync("npm", words, { cwd: here, stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  console.error(`error: \`npm ${words.join(" ")}\` failed${error ? `: ${error.message}` : ""}`);
  process.exit(1);
}

/** Installs what the lock file names, unless that is there. */
function install() {
  const stamp = path.join(here, "node_modules/.installed");
  const wanted = digest(read(path.join(here, "package-lock.json")));
  if (read(stamp) === wanted) return;
  npm("ci", "--ignore-scripts");
  fs.writeFileSync(stamp, wanted);
}

const KINDS = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** One file, compressed where that is shorter, as an entry of the Rust table. */
function entry(file) {
  const name = path.relative(path.join(out, "dist"), file).replaceAll(path.sep, "/");
  const kind = KINDS[path.extname(file)];
  if (!kind) throw new Error(`\`${name}\` has no content type: add its ending to \`KINDS\``);
  const plain = fs.readFileSync(file);
  const written = (ending, bytes) => {
    if (bytes.length >= plain.length) return "None";
    const packed = `packed/${name}${ending}`;
    fs.mkdirSync(path.dirname(path.join(out, packed)), { recursive: true });
    fs.writeFileSync(path.join(out, packed), bytes);
    return `Some(include_bytes!("${packed}"))`;
  };
  const gzip = written(".gz", zlib.gzipSync(plain, { level: 9 }));
  const brotli = written(".br", zlib.brotliCompressSync(plain));
  return `    crate::serve::File {
        path: "/${name}",
        kind: "${kind}",
        etag: "\\"${digest(plain).slice(0, 32)}\\"",
        immutable: ${name.startsWith("assets/")},
        plain: include_bytes!("dist/${name}"),
        gzip: ${gzip},
        brotli: ${brotli},
    },`;
}

install();
const settings = ["build.mjs", "package-lock.json", "tsconfig.json", "vite.config.ts"];
const folders = [path.join(here, "web"), path.resolve(here, "../../target/policies")];
const inputs = [...folders.flatMap(files), ...settings.map((name) => path.join(here, name))];
const wanted = digest(inputs.map((file) => `${file} ${digest(read(file))}`).join("\n"));
const stamp = path.join(out, "inputs");
if (read(stamp) !== wanted) {
  npm("run", "--silent", "check");
  npm("exec", "--", "vite", "build", "--logLevel", "warn", "--outDir", path.join(out, "dist"));
  fs.rmSync(path.join(out, "packed"), { recursive: true, force: true });
  const list = files(path.join(out, "dist"));
  const table = list.map(entry).join("\n");
  const text = `pub static FILES: [crate::serve::File; ${list.length}] = [\n${table}\n];\n`;
  fs.writeFileSync(path.join(out, "site.rs"), text);
  fs.writeFileSync(stamp, wanted);
}
