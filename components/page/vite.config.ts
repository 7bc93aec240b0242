import { defineConfig } from "vite";

export default defineConfig({
  root: "web",
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
