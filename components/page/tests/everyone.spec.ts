/** The page for everyone: by keyboard, with a screen reader, on a phone, in the dark. */
import { readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { accessible, expect, longSession, session, test } from "./page";

const SAID = ["My **boat** is called Meltemi.", "And `code` too.", "What is it called?"];

for (const colorScheme of ["light", "dark"] as const) {
  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ]) {
    test(`nothing bars the way: ${colorScheme}, ${viewport.width} pixels`, async ({
      page,
      request,
    }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize(viewport);
      await page.goto("/");
      await expect(page.getByRole("textbox", { name: "Message", exact: true })).toBeVisible();
      await accessible(page);

      const id = await session(request, "For everyone", SAID);
      await page.goto(`/#/sessions/${id}`);
      await expect(page.locator(".reply")).toHaveCount(3);
      await accessible(page);

      await page.getByRole("button", { name: "Why this reply" }).last().click();
      await page.getByText("The whole prompt, word for word").click();
      await accessible(page);
      await page.getByRole("button", { name: "Close" }).click();

      await page.getByRole("button", { name: /Memories of this chat/ }).click();
      await expect(page.locator(".memory-list li").first()).toBeVisible();
      await accessible(page);
    });
  }
}

test("on a phone nothing is wider than the screen, and the chats are a drawer", async ({
  page,
  request,
}) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const id = await session(request, "A long name ".repeat(8), ["w".repeat(400), ...SAID]);
  await page.goto(`/#/sessions/${id}`);
  await expect(page.locator(".reply")).toHaveCount(4);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
  await expect(page.getByRole("link", { name: /A long name/ }).first()).not.toBeVisible();
  await page.getByRole("button", { name: "Show chats" }).click();
  // What lies under the drawer is out of reach.
  await expect(page.getByRole("button", { name: "Hide chats" })).toBeFocused();
  await expect(page.locator("main")).toHaveAttribute("inert");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Show chats" })).toBeFocused();
  await page.getByRole("button", { name: "Show chats" }).click();
  await page.getByRole("button", { name: "New chat", exact: true }).click();
  await expect(page.getByRole("heading", { name: "A chat that remembers" })).toBeVisible();
  await expect(page.getByRole("button", { name: "New chat", exact: true })).not.toBeVisible();
});

test("what scrolls is the chat, never the page around it", async ({ page, request }) => {
  const days = Array.from({ length: 40 }, (_, day) => `Day ${day} was mild.`);
  const id = await longSession(request, "Long", days);
  await page.goto(`/#/sessions/${id}`);
  await expect(page.locator(".said").last()).toBeInViewport();
  await page.getByRole("button", { name: /Memories of this chat/ }).click();
  await expect(page.locator(".memory-list li").first()).toBeVisible();
  const tallest = await page.evaluate(() => document.documentElement.scrollHeight - innerHeight);
  expect(tallest).toBe(0);
});

test("everything is reached by the keyboard", async ({ page, request }) => {
  const id = await session(request, "By hand", ["Hello."]);
  await page.goto(`/#/sessions/${id}`);
  await expect(page.getByRole("textbox", { name: "Message", exact: true })).toBeFocused();
  await page.getByRole("button", { name: "Why this reply" }).focus();
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "Why this reply" });
  await expect(panel.getByRole("heading", { name: "Why this reply" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Why this reply" })).toBeFocused();
  await page.keyboard.press("Control+Shift+O");
  await expect(page.getByRole("heading", { name: "A chat that remembers" })).toBeVisible();
});

test("who chose dark or light keeps it", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Colours: auto" }).click();
  await page.getByRole("button", { name: "Colours: light" }).click();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("the scripts are at most 200 kB, compressed, and kept by the browser", async ({
  page,
  request,
}) => {
  const scripts: string[] = [];
  page.on("response", (response) => {
    if (response.url().endsWith(".js")) scripts.push(response.url());
  });
  await page.goto("/");
  await expect(page.getByRole("textbox", { name: "Message", exact: true })).toBeVisible();
  const built = readdirSync("../../target/page/dist/assets").filter((name) => name.endsWith(".js"));
  let bytes = 0;
  for (const name of built) {
    bytes += gzipSync(await (await request.get(`/assets/${name}`)).body()).length;
  }
  expect(built.length).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(200_000);
  const main = await request.get(scripts.find((url) => url.includes("/assets/"))!);
  expect(main.headers()["content-encoding"]).toBe("br");
  expect(main.headers()["cache-control"]).toContain("immutable");
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the description of the API fits a phone, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto("/docs");
    await expect(page.getByRole("heading", { name: "The API of Loci" })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await accessible(page);
  });
}
