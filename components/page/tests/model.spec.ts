import { accessible, expect, json, session, test } from "./page";

test("the model and its state are told", async ({ page, request }) => {
  const status = await json(request.get("/api/v1/llm/status"));
  await page.goto("/");
  const badge = page.getByTitle("Model and settings");
  await expect(badge).toContainText(status.active_model);
  await badge.click();
  const panel = page.getByRole("complementary", { name: "Model" });
  await expect(panel).toContainText(status.context_tokens.toLocaleString("en-GB"));
  await expect(panel).toContainText(status.embedding_model.name);
  await accessible(page);
});

test("who has no model is told how to name one, and can talk all the same", async ({
  page,
  request,
}) => {
  const status = await json(request.get("/api/v1/llm/status"));
  const none = { ...status, status: "none", active_model: null, backend_type: null };
  await page.route("**/llm/status", (route) => route.fulfill({ json: none }));
  await page.goto("/");
  await expect(page.getByText("There is no chat model yet.")).toBeVisible();
  await expect(page.locator(".notice pre")).toContainText("--model");
  await expect(page.locator(".under")).toContainText("stored, not answered");
  await accessible(page);
});

test("a server that is gone is told, and so is its return", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByTitle("Model and settings")).not.toContainText("…");
  await page.route("**/api/**", (route) => route.abort());
  await page.getByRole("textbox", { name: "Message", exact: true }).fill("Are you there?");
  await page.keyboard.press("Enter");
  await expect(page.locator(".toast")).toContainText("does not answer");
  // What was written is not lost.
  await expect(page.getByRole("textbox", { name: "Message", exact: true })).toHaveValue("Are you there?");
});

test("the small model says what it cannot do, and how to have another", async ({
  page,
  request,
}) => {
  const { models } = await json(request.get("/api/v1/llm/models"));
  const bundled = { ...models[0], kind: "chat", source: "bundled", active: true, title: "Loci small" };
  await page.route("**/llm/models", (route) => route.fulfill({ json: { models: [bundled] } }));
  const id = await session(request, "With a document");
  const real = await json(request.get(`/api/v1/sessions/${id}`));
  const linked = { ...real, rag_document_ids: ["00000000-0000-4000-8000-000000000000"] };
  await page.route("**/sessions?**", (route) => route.fulfill({ json: [linked] }));
  await page.goto(`/#/sessions/${id}`);
  await expect(page.locator(".under")).toContainText("misses much in documents");
  await page.getByTitle("Model and settings").click();
  const panel = page.getByRole("complementary", { name: "Model" });
  await expect(panel.locator(".memory-list li")).toContainText("Loci small");
  await expect(panel.locator(".memory-list li")).toContainText("It only quotes what you said");
  await expect(panel.locator("pre")).toHaveText("loci models add hf:OWNER/REPOSITORY/FILE.gguf");
  await accessible(page);
});

test("how the model answers can be set, and which one does is listed", async ({
  page,
  request,
}) => {
  const before = await json(request.get("/api/v1/llm/config"));
  const { models } = await json(request.get("/api/v1/llm/models"));
  await page.goto("/");
  await page.getByTitle("Model and settings").click();
  const panel = page.getByRole("complementary", { name: "Model" });
  const chat = models.filter((model: { kind?: string }) => model.kind !== "embedding");
  await expect(panel.locator(".memory-list li")).toHaveCount(chat.length);
  await expect(panel.locator(".memory-list li").filter({ hasText: "in use" })).toHaveCount(
    chat.filter((model: { active: boolean }) => model.active).length,
  );
  const temperature = panel.getByRole("spinbutton", { name: "Temperature" });
  await expect(temperature).toHaveValue(String(before.temperature));
  await temperature.fill("0.35");
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(page.locator(".toast")).toContainText("these settings");
  expect((await json(request.get("/api/v1/llm/config"))).temperature).toBe(0.35);
  // What is emptied is the server's own choice again.
  await temperature.fill("");
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(temperature).toHaveValue(String(before.temperature));
  await accessible(page);
});
