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

/** A server whose model thinks before it answers. */
export const THINKING = process.env.LOCI_THINKING_URL ?? "";

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

/** Makes a session in which all this was said elsewhere, one message a turn. */
export async function longSession(
  request: APIRequestContext,
  name: string,
  said: string[],
): Promise<string> {
  const id = await session(request, name);
  const messages = said.flatMap((content) => [
    { role: "user", content },
    { role: "assistant", content: "Noted." },
  ]);
  await json(request.post(`/api/v1/sessions/${id}/messages/import`, { data: { messages } }));
  return id;
}

/** Says something on the page, and waits until the server and the page have done with it. */
export async function say(page: Page, text: string): Promise<void> {
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.fill(text);
  // Before there is an answer, there is no reply either: that nothing is under way says little.
  const answered = page.waitForResponse(
    (response) => response.request().method() === "POST" && response.url().endsWith("/messages"),
  );
  await page.keyboard.press("Enter");
  await (await answered).finished();
  await expect(page.locator(".reply.live")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Send" })).toBeVisible();
}

/**
 * That axe finds nothing serious or critical on the page. What it finds while the page becomes
 * another, as colours that have yet to begin their way to a new scheme, is not there the next time.
 */
export async function accessible(page: Page): Promise<void> {
  await expect.poll(() => barriers(page)).toEqual([]);
}

/** What axe finds serious or critical on the page as it stands. */
async function barriers(page: Page): Promise<string[]> {
  // Colours on their way from one to another have no contrast of their own. What turns until
  // something is there has no end, and what is taken away before its end has none either.
  await page.evaluate(() => {
    const ending = document
      .getAnimations()
      .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    return Promise.allSettled(ending.map((one) => one.finished)).then(() => undefined);
  });
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => {
    const runner = (window as unknown as { axe: typeof import("axe-core") }).axe;
    return runner.run(document);
  });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
