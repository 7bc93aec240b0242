import { accessible, expect, json, longSession, session, test } from "./page";

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
  await accessible(page);
  await hit.getByRole("button").click();
  await expect(page.locator(".said").filter({ hasText: "linen sheet" })).toBeInViewport();
  // What could not be searched is no sign that nothing is there.
  const error = { message: "the key may ask 60 times a minute", code: "rate_limited" };
  await page.route("**/messages?**", (route) => route.fulfill({ status: 429, json: { error } }));
  await page.getByRole("searchbox", { name: "Search chats" }).fill("Wolpertinger");
  const why = page.getByText(/the key may ask 60 times a minute\./);
  await expect(why).toBeVisible();
  await page.unroute("**/messages?**");
  await page.getByRole("button", { name: "Search again" }).click();
  await expect(hit).toHaveCount(1);
  await expect(why).toHaveCount(0);
  await page.getByRole("searchbox", { name: "Search chats" }).fill("nowhere was this said");
  await expect(page.getByText("No chat has this in its name or in what was said.")).toBeVisible();
});

test("of many places the first are shown, a few of each chat, and more if one says so", async ({
  page,
  request,
}) => {
  const days = Array.from({ length: 5 }, (_, day) => `The bandersnatch sang on day ${day}.`);
  for (let at = 0; at < 12; at++) await longSession(request, `Songs ${at}`, days);
  await page.goto("/");
  await page.getByRole("searchbox", { name: "Search chats" }).fill("Bandersnatch sang");
  const hits = page.locator(".said-list li");
  await expect(hits).toHaveCount(30);
  await expect(hits.filter({ hasText: "Songs 11" })).toHaveCount(3);
  await expect(hits.first()).toContainText("day 4");
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(hits).toHaveCount(36);
  await expect(page.getByRole("button", { name: "Show more" })).toHaveCount(0);
});

test("one comes back to the latest from wherever one went", async ({ page, request }) => {
  const days = Array.from({ length: 40 }, (_, day) => `Day ${day} was mild.`);
  const id = await longSession(request, "Up and down", days);
  await page.goto(`/#/sessions/${id}`);
  await expect(page.locator(".said").last()).toBeInViewport();
  const latest = page.getByRole("button", { name: "To the latest" });
  await expect(latest).toHaveCount(0);
  await page.locator(".scroller").evaluate((box) => (box.scrollTop = 0));
  await latest.click();
  await expect(page.locator(".said").last()).toBeInViewport();
  await expect(latest).toHaveCount(0);
});
