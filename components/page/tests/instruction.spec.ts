import { accessible, expect, json, say, session, test } from "./page";

test("a chat has an instruction of its own, which the next prompt begins with", async ({
  page,
  request,
}) => {
  const id = await session(request, "A chat in rhymes");
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: "Instruction of this chat: the server's" }).click();
  const panel = page.getByRole("complementary", { name: "Instruction" });
  await expect(panel.getByRole("button", { name: "Save" })).toBeDisabled();
  await panel.getByRole("textbox").fill("Answer in rhymes about quinces.");
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(panel.getByRole("button", { name: "Use the server's own" })).toBeVisible();
  await accessible(page);
  await panel.getByRole("button", { name: "Close" }).click();
  await say(page, "Good morning.");
  await page.getByRole("button", { name: "Why this reply" }).click();
  await page.getByText("The whole prompt, word for word").click();
  await expect(page.locator(".prompt")).toContainText("Answer in rhymes about quinces.");

  await page.getByRole("button", { name: "Instruction of this chat: its own" }).click();
  await panel.getByRole("button", { name: "Use the server's own" }).click();
  await expect(page.getByRole("button", { name: "Instruction of this chat: the server's" })).toBeVisible();
  const stored = await json(request.get(`/api/v1/sessions/${id}`));
  expect(stored.instruction).toBeNull();
});
