import { accessible, expect, json, say, session, test } from "./page";

const BOATS = "# The boat\n\nThe boat is called Meltemi and lies in Marina Zea, berth 12.\n";

const file = (name: string, text: string) => ({
  name,
  mimeType: "text/plain",
  buffer: Buffer.from(text),
});

test("a document is added, linked, cited, renamed and deleted", async ({ page, request }) => {
  const id = await session(request, "Ahoy");
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: "Documents of this chat: 0" }).click();
  const panel = page.getByRole("complementary", { name: "Documents" });
  // What is said there must not be known from an earlier test: the same file twice is one document.
  const name = `boats-${id}.md`;
  await panel.locator("input[type=file]").setInputFiles(file(name, `${BOATS}\n${id}\n`));
  const row = panel.getByRole("listitem").filter({ hasText: name });
  await expect(row).toContainText(/\d passages?/);
  await expect(row.getByRole("checkbox", { name: "In this chat" })).toBeChecked();
  await expect(page.getByRole("button", { name: "Documents of this chat: 1" })).toBeVisible();
  await accessible(page);

  await say(page, "In which marina does the boat Meltemi lie?");
  const reply = page.locator(".reply").last();
  await reply.locator(".sources summary").click();
  const source = reply.locator(".sources li").filter({ hasText: name });
  await expect(source).toContainText("The boat");
  await expect(source.locator("blockquote mark")).toContainText("Marina Zea");

  await row.getByRole("checkbox", { name: "In this chat" }).click();
  await expect(page.getByRole("button", { name: "Documents of this chat: 0" })).toBeVisible();
  await row.getByRole("button", { name: `Rename ${name}` }).click();
  await panel.getByRole("textbox", { name: `New name for ${name}` }).fill(`harbour-${id}.md`);
  await page.keyboard.press("Enter");
  const renamed = panel.getByRole("listitem").filter({ hasText: `harbour-${id}` });
  await renamed.getByRole("button", { name: `Delete harbour-${id}.md` }).click();
  await expect(renamed).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(renamed).toHaveCount(1);
});

test("files that are dropped on a new chat begin one", async ({ page, request }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "A chat that remembers" })).toBeVisible();
  const text = `Dropped at ${Date.now()} from the sky.`;
  const files = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], "dropped.txt", { type: "text/plain" }));
    return transfer;
  }, text);
  // Files that hang over the page tell of it again and again.
  await expect(async () => {
    await page.dispatchEvent("main", "dragover", { dataTransfer: files });
    await expect(page.getByText("Drop to add to this chat")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await page.dispatchEvent("main", "drop", { dataTransfer: files });
  await expect(page).toHaveURL(/#\/sessions\/[\w-]{36}$/);
  await expect(page.getByRole("button", { name: "Documents of this chat: 1" })).toBeVisible();
  const id = page.url().split("/").at(-1);
  const linked = await json(request.get(`/api/v1/sessions/${id}`));
  expect(linked.rag_document_ids).toHaveLength(1);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("dropped.txt");
});

test("files are added by a button, and one that is too large names itself", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/");
  await page.getByRole("textbox", { name: "Message", exact: true }).fill("About these:");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Add files to this chat" }).click();
  const now = Date.now();
  await (await chooser).setFiles([
    file("one.txt", `The first, at ${now}.`),
    { name: "big.txt", mimeType: "text/plain", buffer: Buffer.alloc(15 * 2 ** 20 + 1, "a ") },
    file("two.txt", `The second, at ${now}.`),
  ]);
  await expect(page.locator(".toast")).toHaveText(
    "“big.txt”: it has 15.1 MiB, and a file may have at most 15 MiB",
  );
  await expect(page.getByRole("button", { name: "Documents of this chat: 2" })).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("one.txt");
  // What was being written is in the chat that was made for them.
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await expect(box).toHaveValue("About these:");
});

test("what cannot be read says why", async ({ page, request }) => {
  const id = await session(request, "Broken");
  await page.goto(`/#/sessions/${id}`);
  await page.getByRole("button", { name: /Documents of this chat/ }).click();
  const panel = page.getByRole("complementary", { name: "Documents" });
  const name = `broken-${id}.pdf`;
  const broken = file(name, `%PDF-1.7\n${id} and nothing else`);
  await panel.locator("input[type=file]").setInputFiles(broken);
  const row = panel.getByRole("listitem").filter({ hasText: name });
  await expect(row.locator(".failure")).not.toBeEmpty();
  // It is none that the chat has.
  await expect(row.getByRole("checkbox")).toHaveCount(0);
  await expect(
    page.getByRole("button", { name: "Documents of this chat: 0, 1 could not be read" }),
  ).toBeVisible();
});
