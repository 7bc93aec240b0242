import { accessible, expect, say, test, THINKING } from "./page";

test("what a model thought is folded above its reply", async ({ browser }) => {
  test.skip(THINKING === "", "there is no server that thinks");
  const page = await browser.newPage({ baseURL: THINKING });
  await page.goto("/");
  await say(page, "Is it raining?");
  const reply = page.locator(".reply");
  const thought = reply.locator(".thought p");
  await expect(reply.locator(".prose")).toHaveText("Yes, it is.");
  await expect(thought).toBeHidden();
  await reply.getByText("What it thought").click();
  await expect(thought).toHaveText("The window is wet, so it rains.");
  await accessible(page);
  // It is stored beside the reply, and copied by nobody who copies that.
  await page.reload();
  await expect(reply.locator(".prose")).toHaveText("Yes, it is.");
  await expect(thought).toBeHidden();
  await expect(thought).toHaveText("The window is wet, so it rains.");
  await page.close();
});
