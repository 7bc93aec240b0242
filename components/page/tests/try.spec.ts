/** A prompt is tried before it is sent. */
import { accessible, expect, json, longSession, say, test } from "./page";

const FACT = "My sister Oriane keeps her violin in the blue cupboard.";
const QUESTION = "Where does Oriane keep her violin?";

test("the prompt stands there while one types, and is what is then sent", async ({
  page,
  request,
}) => {
  const fillers = Array.from({ length: 40 }, (_, day) => `Filler ${day}: it was grey and mild.`);
  const id = await longSession(request, "Trying", [FACT, ...fillers]);
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: "Try this prompt" }).click();
  const panel = page.getByRole("complementary", { name: "Try a prompt" });
  await expect(panel).toContainText("Write a message");
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.pressSequentially(QUESTION.slice(0, 12));
  const words = panel.getByRole("region", { name: "The prompt, word for word" });
  await expect(words.locator(".piece.query")).toHaveText(QUESTION.slice(0, 12));
  await box.fill(QUESTION);
  await expect(words.locator(".piece.query")).toHaveText(QUESTION);
  await expect(words.locator(".piece.memory").filter({ hasText: "blue cupboard" })).toBeVisible();
  await accessible(page);

  const shown = await words.locator("pre").allTextContents();
  const tokens = await panel.locator(".lead strong").textContent();
  await say(page, QUESTION);
  const messages = await json(request.get(`/api/v1/sessions/${id}/messages`));
  const reply = messages.at(-1).id;
  const receipt = await json(request.get(`/api/v1/sessions/${id}/messages/${reply}/receipt`));
  expect(shown).toEqual(receipt.messages.map((line: { content: string }) => line.content));
  expect(tokens).toBe(receipt.usage.prompt_tokens.toLocaleString("en-GB"));
});

test("sliders show what less would leave", async ({ page, request }) => {
  const fillers = Array.from({ length: 40 }, (_, day) => `The violin was played on day ${day}.`);
  const id = await longSession(request, "Sliding", [FACT, ...fillers]);
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: "Try this prompt" }).click();
  await page.getByRole("textbox", { name: "Message", exact: true }).fill(QUESTION);
  const panel = page.getByRole("complementary", { name: "Try a prompt" });
  const memories = panel.locator(".piece.memory");
  await expect(memories).not.toHaveCount(0);
  await panel.getByRole("slider", { name: "Memories" }).fill("1");
  await expect(memories).toHaveCount(1);
  await panel.getByRole("slider", { name: "Memories" }).fill("0");
  await expect(memories).toHaveCount(0);
  await expect(panel.locator(".piece.query")).toHaveText(QUESTION);
  await panel.getByRole("button", { name: "As it will be sent" }).click();
  await expect(memories).not.toHaveCount(0);
  await panel.getByRole("combobox", { name: "Laid out by" }).selectOption("Plain text");
  await expect(panel.getByRole("heading", { name: "text", exact: true })).toBeVisible();
  await expect(panel.locator(".piece.query")).toHaveText(QUESTION);
  await accessible(page);
  await panel.getByRole("combobox", { name: "Laid out by" }).selectOption("The default");
  await panel.getByRole("slider", { name: "Tokens of the prompt" }).fill("64");
  await expect(panel.locator(".failure")).toContainText("64 are allowed");
  await panel.getByRole("slider", { name: "Tokens of the prompt" }).fill("900");
  await expect(panel.locator(".lead")).toContainText("of 900 tokens");
});

test("on a phone one writes beside the prompt, and a new chat has one too", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/");
  await page.getByRole("button", { name: "Try this prompt" }).click();
  const panel = page.getByRole("complementary", { name: "Try a prompt" });
  await panel.getByRole("textbox", { name: "Message to try" }).fill("Good morning.");
  await expect(panel.locator(".piece.query")).toHaveText("Good morning.");
  await accessible(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("textbox", { name: "Message", exact: true })).toHaveValue(
    "Good morning.",
  );
});
