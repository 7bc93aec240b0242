import { barriers, expect, json, longSession, session, test } from "./page";

test("sessions are found, renamed, and deleted unless one thinks better of it", async ({
  page,
  request,
}) => {
  const id = await session(request, "Kestrel notes");
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Kestrel notes" })).toBeVisible();
  await page.keyboard.press("Control+k");
  const search = page.getByRole("searchbox", { name: "Search chats" });
  await expect(search).toBeFocused();
  await search.fill("kestrel");
  await expect(page.locator(".sessions ul:not(.said-list) > li")).toHaveCount(1);

  const row = page.locator(".sessions ul:not(.said-list) > li");
  await row.hover();
  await row.getByRole("button", { name: "Rename Kestrel notes" }).click();
  await page.getByRole("textbox", { name: "New name for Kestrel notes" }).fill("Kestrel diary");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "Kestrel diary" })).toBeVisible();

  await row.hover();
  await page.getByRole("button", { name: "Delete Kestrel diary" }).click();
  await expect(page.locator(".sessions ul:not(.said-list) > li")).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("link", { name: "Kestrel diary" })).toBeVisible();
  expect((await json(request.get(`/api/v1/sessions/${id}`))).name).toBe("Kestrel diary");

  await row.hover();
  await page.getByRole("button", { name: "Delete Kestrel diary" }).click();
  await expect
    .poll(async () => (await request.get(`/api/v1/sessions/${id}`)).status())
    .toBe(404);
});

test("who leaves the page has decided about what was deleted", async ({ page, request }) => {
  const id = await session(request, "Gone with the page");
  await page.goto("/");
  const row = page.locator(".sessions ul:not(.said-list) > li").filter({ hasText: "Gone with the page" });
  await row.hover();
  await row.getByRole("button", { name: "Delete Gone with the page" }).click();
  await page.reload();
  await expect.poll(async () => (await request.get(`/api/v1/sessions/${id}`)).status()).toBe(404);
});

test("what was said is found in every chat, and shown where it was said", async ({
  page,
  request,
}) => {
  const days = Array.from({ length: 120 }, (_, day) => `Day ${day} was mild.`);
  days[3] = "The wolpertinger slept below the 100% linen sheet.";
  await longSession(request, "A long summer", days);
  await page.goto("/");
  await page.getByRole("searchbox", { name: "Search chats" }).fill("Wolpertinger slept");
  const hit = page.locator(".said-list li");
  await expect(hit).toHaveCount(1);
  await expect(hit).toContainText("A long summer");
  await expect(hit.locator("mark")).toHaveText("wolpertinger slept");
  expect(await barriers(page)).toEqual([]);
  await hit.getByRole("button").click();
  await expect(page.locator(".said").filter({ hasText: "linen sheet" })).toBeInViewport();
  await page.getByRole("searchbox", { name: "Search chats" }).fill("nowhere was this said");
  await expect(page.getByText("No chat has this in its name or in what was said.")).toBeVisible();
});
