import { accessible, expect, json, longSession, say, session, test } from "./page";

test("memories are found and forgotten", async ({ page, request }) => {
  const said = ["The kestrel nests above the forge.", "Lunch is at noon."];
  const id = await session(request, "Birds", said);
  const memories = `/api/v1/sessions/${id}/memories`;
  await expect.poll(async () => (await json(request.get(memories))).length).toBe(4);
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: /Memories of this chat/ }).click();
  const panel = page.getByRole("complementary", { name: "Memories of this chat" });
  await expect(panel.locator(".memory-list li")).toHaveCount(4);
  await panel.getByRole("searchbox", { name: "Find memories" }).fill("where does the kestrel nest");
  const found = panel.locator(".memory-list li").filter({ hasText: "kestrel" });
  await expect(found).toHaveCount(1);
  await found.getByRole("button", { name: "Forget" }).click();
  await expect(found).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(found).toHaveCount(1);
  expect(JSON.stringify(await json(request.get(memories)))).toContain("kestrel");
  await found.getByRole("button", { name: "Forget" }).click();
  await expect(found).toHaveCount(0);
  const left = async () => JSON.stringify(await json(request.get(memories)));
  await expect.poll(left).not.toContain("kestrel");
  await expect(found).toHaveCount(0);
  // It is out of recall, and still in the chat.
  await expect(page.locator(".said .bubble").first()).toHaveText(said[0]!);
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
});

test("the receipt shows what the prompt was made of", async ({ page, request }) => {
  const id = await session(request, "Why", ["The kettle is red.", "What colour is the kettle?"]);
  const messages = await json(request.get(`/api/v1/sessions/${id}/messages`));
  const reply = messages.at(-1).id;
  const receipt = await json(request.get(`/api/v1/sessions/${id}/messages/${reply}/receipt`));
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: "Why this reply" }).last().click();
  const panel = page.getByRole("complementary", { name: "Why this reply" });
  const number = (tokens: number) => tokens.toLocaleString("en-GB");
  await expect(panel.locator(".lead")).toContainText(number(receipt.usage.prompt_tokens));
  await expect(panel.locator(".lead")).toContainText(number(receipt.budget));
  await expect(panel.locator(".legend")).toContainText("Recent turns");
  await expect(panel.locator(".bar .share.history")).toBeVisible();
  await panel.getByText("The whole prompt, word for word").click();
  await expect(panel.locator(".prompt pre").filter({ hasText: "The kettle is red." })).toBeVisible();
  const shown = await panel.locator(".prompt pre").allTextContents();
  expect(shown).toEqual(receipt.messages.map((line: { content: string }) => line.content));
});

test("a reply's prompt is put together again, and without one of its memories", async ({
  page,
  request,
}) => {
  const fact = "The kettle that whistles is the red one.";
  const fillers = Array.from({ length: 40 }, (_, day) => `Filler ${day}: it was grey and mild.`);
  const id = await longSession(request, "Again", [fact, ...fillers]);
  await page.goto(`/#/sessions/${id}`);
  await say(page, "Which kettle whistles?");
  await page.getByRole("button", { name: "Why this reply" }).last().click();
  const panel = page.getByRole("complementary", { name: "Why this reply" });
  const passage = panel.locator(".passages li").filter({ hasText: fact });
  await passage.getByRole("button", { name: "What if this had not been there?" }).click();
  await expect(passage.locator(".without")).toContainText("The prompt would have had");
  await expect(passage.locator("del").filter({ hasText: fact })).toBeVisible();
  await panel.getByRole("button", { name: "Put it together again" }).click();
  await expect(panel.locator(".proof")).toHaveText("It is the same, bit for bit.");
  await accessible(page);
});

test("a long memory is drawn in parts", async ({ page, request }) => {
  const days = Array.from({ length: 60 }, (_, day) => `Day ${day} was mild.`);
  const id = await longSession(request, "A long memory", days);
  const memories = `/api/v1/sessions/${id}/memories?limit=200`;
  await expect.poll(async () => (await json(request.get(memories))).length).toBe(120);
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: /Memories of this chat/ }).click();
  const listed = page.locator(".memory-list li");
  await expect(listed).toHaveCount(100);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(listed).toHaveCount(120);
  await expect(page.getByRole("button", { name: "Show more" })).toHaveCount(0);
});
