import path from "node:path";
import { defineConfig } from "vite";

/** The policies for JavaScript, which `cargo xtask build` makes. */
const policies = path.resolve(import.meta.dirname, "../../target/policies");

export default defineConfig({
  root: "web",
  resolve: {
    alias: [
      { find: /^loci-policies$/, replacement: `${policies}/policies.js` },
      { find: /^loci-policies\/(\w+)$/, replacement: `${policies}/$1.js` },
    ],
  },
  build: {
    target: "es2023",
    emptyOutDir: true,
    // Every file stands by itself: a `data:` address would need an exception in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npm run dev` shows changes at once; the API is that of a server on its usual port.
  server: {
    proxy: { "/api": "http://127.0.0.1:3000", "/health": "http://127.0.0.1:3000" },
  },
});
