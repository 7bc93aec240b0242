/** A server that wants a key gets one, and no other page than the one that asks for it is shown. */
import { accessible, expect, json, say, session, test } from "./page";

test("a key is asked for, kept, and forgotten", async ({ page, request }) => {
  const id = await session(request, "Behind the gate");
  await page.route("**/api/**", async (route) => {
    if ((await route.request().headerValue("authorization")) === "Bearer loci-right") {
      // The server behind knows no keys, and would refuse one.
      const { authorization, ...headers } = route.request().headers();
      return route.continue({ headers });
    }
    const error = { message: "`authorization` must be `Bearer KEY`", code: "invalid_api_key" };
    return route.fulfill({ status: 401, json: { error } });
  });
  await page.goto(`/#/sessions/${id}`);
  const box = page.getByLabel("Key", { exact: true });
  await expect(box).toBeFocused();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await accessible(page);
  await box.fill("loci-wrong");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("does not know this key");
  await box.fill("loci-right");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Behind the gate");
  await say(page, "Hello.");
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Behind the gate");

  await page.getByTitle("Model and settings").click();
  await page.getByRole("button", { name: "Forget the key" }).click();
  await expect(page.getByRole("heading", { name: "This server wants a key" })).toBeVisible();
  await page.reload();
  await expect(box).toBeVisible();
});

test("whose key is no admin's is not shown what it may not do", async ({ page, request }) => {
  const { models } = await json(request.get("/api/v1/llm/models"));
  await page.addInitScript(() => localStorage.setItem("loci-key", "loci-bob"));
  await page.route("**/api/**", async (route) => {
    const { authorization, ...headers } = route.request().headers();
    if (!route.request().url().includes("/policies")) return route.continue({ headers });
    const error = { message: "this wants the key of an admin", code: "admin_required" };
    return route.fulfill({ status: 403, json: { error } });
  });
  await page.goto("/");
  await page.getByTitle("Model and settings").click();
  const panel = page.getByRole("complementary", { name: "Model" });
  await expect(panel).toContainText("only the key of an admin may change it");
  await expect(panel.locator(".memory-list li")).not.toHaveCount(0);
  expect(models.length).toBeGreaterThan(0);
  for (const name of ["Use", "Save", "Policies …"]) {
    await expect(panel.getByRole("button", { name, exact: true })).toHaveCount(0);
  }
  await expect(panel.getByRole("spinbutton", { name: "Temperature" })).toBeDisabled();
  await accessible(page);
});
