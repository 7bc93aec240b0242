/** A connection that breaks off: what was said is neither lost nor said twice. */
import type { Page } from "@playwright/test";
import { accessible, expect, json, session, test } from "./page";

/** Breaks the connection off when something is said, before or after it reached the server. */
async function breakOff(page: Page, arrives: boolean): Promise<() => Promise<void>> {
  let away = false;
  await page.route("**/api/**", async (route) => {
    const request = route.request();
    if (request.method() === "POST" && request.url().endsWith("/messages")) {
      away = true;
      if (arrives) await route.fetch();
    }
    return away ? route.abort() : route.continue();
  });
  return () => page.unroute("**/api/**");
}

async function sayUnheard(page: Page, text: string): Promise<void> {
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.fill(text);
  await page.keyboard.press("Enter");
  await expect(page.locator(".lost")).toContainText("The connection to the server broke off.");
  await expect(page.locator(".banner")).toContainText("does not answer");
  await expect(page.getByTitle("Model and settings")).toHaveText("No connection");
  await expect(box).toHaveValue("");
  await accessible(page);
}

test("what arrived is not said twice", async ({ page, request }) => {
  const id = await session(request, "Broken off", ["Hello."]);
  await page.goto(`/#/sessions/${id}`);
  await expect(page.locator(".reply")).toHaveCount(1);
  const back = await breakOff(page, true);
  await sayUnheard(page, "Did you hear this?");
  await back();
  await expect(page.locator(".lost")).toHaveCount(0);
  await expect(page.locator(".banner")).toHaveCount(0);
  await expect(page.locator(".said .bubble")).toHaveText(["Hello.", "Did you hear this?"]);
  await expect(page.locator(".reply")).toHaveCount(2);
  await expect(page.getByRole("textbox", { name: "Message", exact: true })).toHaveValue("");
});

test("what did not arrive is in the message box again", async ({ page, request }) => {
  const id = await session(request, "Unheard", ["Hello."]);
  await page.goto(`/#/sessions/${id}`);
  await expect(page.locator(".reply")).toHaveCount(1);
  const back = await breakOff(page, false);
  await sayUnheard(page, "Did you hear that?");
  await back();
  await expect(page.locator(".toast")).toContainText("did not arrive");
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await expect(box).toHaveValue("Did you hear that?");
  await expect(page.locator(".said .bubble")).toHaveText(["Hello."]);
  const stored = await json(request.get(`/api/v1/sessions/${id}/messages`));
  expect(stored).toHaveLength(2);
});

test("an answer that ends within itself is a connection that broke off", async ({ page }) => {
  await page.route("**/sessions?**", (route) =>
    route.fulfill({ contentType: "application/json", body: '[{"id":"' }),
  );
  await page.goto("/");
  await expect(page.locator(".toast")).toContainText("The connection to the server broke off.");
});

test("a server that wants fewer questions is there all the same", async ({ page }) => {
  const error = { message: "the key may ask 60 times a minute", code: "rate_limited" };
  await page.route("**/llm/status", (route) => route.fulfill({ status: 429, json: { error } }));
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "A chat that remembers" })).toBeVisible();
  await expect(page.locator(".banner")).toHaveCount(0);
});
