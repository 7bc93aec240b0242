import { defineConfig, devices } from "@playwright/test";

/** Debian's Chromium; nothing is downloaded. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

export default defineConfig({
  testDir: "tests",
  outputDir: "../../target/page/test-results",
  reporter: "line",
  // A busy machine is slow, and a server serves several of these at once: what waits for so long
  // waits for something that does not come.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  workers: 2,
  forbidOnly: true,
  use: {
    ...devices["Desktop Chrome"],
    baseURL: process.env.LOCI_URL ?? "http://127.0.0.1:3000",
    launchOptions: { executablePath },
    locale: "en-GB",
  },
});
