/** Policies are replaced, and tried beside those in use, while the page looks on. */
import { readFileSync } from "node:fs";
import type { Browser, Page } from "@playwright/test";
import { accessible, expect, json, session, test } from "./page";

/** A second server, whose policies no other test needs. */
const baseURL = process.env.LOCI_SLOW_URL ?? "";

const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

/** Opens the policies of the second server. */
async function open(browser: Browser): Promise<Page> {
  test.skip(!baseURL, "there is no second server");
  const page = await browser.newPage({ baseURL });
  await page.goto("/");
  await show(page);
  return page;
}

async function show(page: Page): Promise<void> {
  await page.getByTitle("Model and settings").click();
  await page.getByRole("button", { name: "Policies" }).click();
}

/** Adds the classic layout under this name. */
async function add(page: Page, name: string): Promise<void> {
  const panel = page.getByRole("complementary", { name: "Policies" });
  await panel.locator("input[type=file]").setInputFiles({
    name: `${name}.wasm`,
    mimeType: "application/wasm",
    buffer: readFileSync("../../target/components/prompt-assembly-classic.wasm"),
  });
  await expect(panel.locator(".staged li")).toContainText(name);
}

/** That nothing bars the way, and nothing is too wide: on every size, light and dark. */
async function fine(page: Page): Promise<void> {
  for (const size of SIZES) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await accessible(page);
    }
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(size.width);
  }
}

test("a policy is added, put in use, told by who tries a prompt, and rolled back", async ({
  browser,
  request,
}) => {
  const page = await open(browser);
  const panel = page.getByRole("complementary", { name: "Policies" });
  await expect(panel.locator(".hooks li")).not.toHaveCount(0);
  await add(page, "old style");
  await accessible(page);
  await panel.getByRole("button", { name: "Use old style" }).click();
  const laidOut = panel.locator(".hooks li").filter({ hasText: "How the prompt is laid out" });
  await expect(laidOut).toContainText("old style");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Try this prompt" }).click();
  await expect(page.locator(".panel .notice")).toContainText("in use for assembly");
  await page.keyboard.press("Escape");

  await show(page);
  await panel.getByRole("button", { name: "Roll back assembly" }).click();
  await expect(laidOut).toContainText("ships with Loci");
  await panel.getByRole("button", { name: "Remove old style" }).click();
  await expect(panel.locator(".staged li")).toHaveCount(0);
  await expect(panel.locator(".log")).toContainText("old style was removed");
  const { policies } = await json(request.get(`${baseURL}/api/v1/policies`));
  expect(policies.every(({ source }: { source: string }) => source === "shipped")).toBe(true);
  await page.close();
});

test("what a policy would have done is told, and a share of the sessions is given to it", async ({
  browser,
  playwright,
}) => {
  const page = await open(browser);
  const request = await playwright.request.newContext({ baseURL });
  const id = await session(request, "Past turns", ["My boat is called Meltemi.", "And its colour?"]);
  const panel = page.getByRole("complementary", { name: "Policies" });
  await add(page, "old style");
  await panel.getByRole("button", { name: "Try it on past turns: old style" }).click();
  const report = panel.getByRole("region", { name: "What it would have done" });
  await expect(report).toContainText(/Laid out again: \d+ past turns/);
  await expect(report).toContainText("became others");
  await expect(report).toContainText("Reusable tokens");
  await report.getByText("Turn by turn").click();
  await expect(report.locator(".difference").first()).toContainText("Meltemi");
  await fine(page);
  await report.getByRole("button", { name: "Close the report" }).click();
  await expect(panel.locator(".staged li")).toContainText(/Tried on \d+ past turns/);

  await panel.getByRole("button", { name: "Give it a share: old style" }).click();
  await panel.getByRole("slider", { name: "Share of the sessions" }).fill("100");
  await panel.getByRole("slider", { name: "Errors that it may have" }).fill("0");
  await fine(page);
  await panel.getByRole("button", { name: "Give this share" }).click();
  const candidate = panel.locator(".candidate");
  await expect(candidate).toContainText("old style");
  await expect(candidate).toContainText("100 % of the sessions");
  await expect(panel.locator(".staged li")).toHaveCount(0);
  await json(
    request.post(`/api/v1/sessions/${id}/messages`, {
      data: { role: "user", content: "Where does it lie?", max_tokens: 1 },
    }),
  );
  // Live: nobody asks the page to look.
  await expect(candidate).toContainText("Asked 1 time");
  await expect(candidate).toContainText("failed never");
  const lately = panel.getByRole("list", { name: "Asked in the last minute for assembly" });
  await expect(lately).toContainText("old style");
  await fine(page);
  await candidate.getByRole("button", { name: "Share …" }).click();
  await candidate.getByRole("slider", { name: "Share of the sessions" }).fill("50");
  await candidate.getByRole("button", { name: "Give this share" }).click();
  await expect(candidate).toContainText("50 % of the sessions");
  await candidate.getByRole("button", { name: "Take back: old style" }).click();
  await expect(candidate).toHaveCount(0);
  await expect(panel.locator(".log")).toContainText("taken back from its share: by hand");
  await panel.getByRole("button", { name: "Remove old style" }).click();
  await expect(panel.locator(".staged li")).toHaveCount(0);
  await request.delete(`/api/v1/sessions/${id}`);
  await request.dispose();
  await page.close();
});

test("what is under way is told, and what fails", async ({ page, request }) => {
  const list = await json(request.get("/api/v1/policies"));
  const hook = list.hooks[0];
  const candidate = { ...list.policies[0], digest: "c".repeat(64), name: "new", state: "staged" };
  const canary = { digest: candidate.digest, percent: 10, since: "2026-03-12T10:11:12.000000Z" };
  hook.canary = { ...canary, calls: 40, errors: 2, errors_max: 3 };
  hook.set_aside = true;
  list.policies.push(candidate);
  list.under_way = [{ digest: candidate.digest, step: "loading", since: canary.since }];
  await page.route("**/api/v1/policies", (route) => route.fulfill({ json: list }));
  await page.goto("/");
  await show(page);
  const panel = page.getByRole("complementary", { name: "Policies" });
  await expect(panel.getByRole("status")).toContainText("new is being loaded and tried");
  await expect(panel.locator(".hooks li").first()).toContainText("set aside for a while");
  await expect(panel.locator(".candidate")).toContainText("failed 2 times. After more than 3 errors");
  const errors = panel.getByRole("progressbar", { name: "Errors of new" });
  await expect(errors).toHaveJSProperty("position", 0.5);
  await fine(page);
});
