/** What the tests of the page share: a browser that notices what must not happen, and a server. */
import { expect, test as base, type APIRequestContext, type Page } from "@playwright/test";
import axe from "axe-core";

/** Fails a test whose page logs an error, breaks its policy, or asks another server. */
export const test = base.extend({
  page: async ({ page, baseURL }, use) => {
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (line) => {
      // What the server refuses, Chromium reports too; the tests see how the page tells it.
      const refused = line.text().startsWith("Failed to load resource");
      if (line.type() === "error" && !refused) wrong.push(line.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${baseURL}/`)) wrong.push(`it asks for ${request.url()}`);
    });
    await use(page);
    expect(wrong).toEqual([]);
  },
});

export { expect };

/** A server whose model takes its time: what is stopped is stopped in the middle. */
export const SLOW = process.env.LOCI_SLOW_URL ?? "";

/** Makes a session in which these things were said. */
export async function session(
  request: APIRequestContext,
  name: string,
  said: string[] = [],
): Promise<string> {
  const { id } = await json(request.post("/api/v1/sessions", { data: { name } }));
  for (const content of said) {
    const data = { role: "user", content, max_tokens: 4 };
    await json(request.post(`/api/v1/sessions/${id}/messages`, { data }));
  }
  return id;
}

/** The JSON of an answer that must be a success. */
export async function json(
  answer: ReturnType<APIRequestContext["get"]>,
): Promise<any> {
  const response = await answer;
  expect(response.ok(), `${response.url()}: ${response.status()}`).toBe(true);
  return response.json();
}

/** Says something on the page, and waits for the end of the reply. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Send" })).toBeVisible();
  await expect(page.locator(".reply.live")).toHaveCount(0);
}

/** What axe finds serious or critical on the page as it stands. */
export async function barriers(page: Page): Promise<string[]> {
  // Colours on their way from one to another have no contrast of their own.
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished)));
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => {
    const runner = (window as unknown as { axe: typeof import("axe-core") }).axe;
    return runner.run(document);
  });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
