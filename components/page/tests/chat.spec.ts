import { accessible, expect, json, longSession, say, session, SLOW, test } from "./page";

const FACT = "My sister Oriane keeps her violin in the blue cupboard.";

/** A model may end any reply, by chance, before somebody gets to stop it; but not one like this. */
const ENDLESS = {
  type: "json_schema",
  json_schema: {
    name: "numbers",
    schema: { type: "array", items: { type: "integer" }, minItems: 4_000 },
  },
};

test("a first message makes a session that is there after a reload", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "A chat that remembers" })).toBeVisible();
  await say(page, FACT);
  await expect(page).toHaveURL(/#\/sessions\/[\w-]{36}$/);
  await expect(page.locator(".said .bubble")).toHaveText(FACT);
  await expect(page.locator(".reply")).toHaveCount(1);
  // It is named after its first words, and both messages become memories.
  await expect(page.getByRole("heading", { level: 1 })).toContainText("My sister Oriane");
  await expect(page.getByRole("button", { name: "Memories of this chat: 2" })).toBeVisible();
  await page.reload();
  await expect(page.locator(".said .bubble")).toHaveText(FACT);
});

test("a reply lists the memory that it used, with its passage and its day", async ({
  page,
  request,
}) => {
  const fillers = Array.from({ length: 40 }, (_, day) => `Filler ${day}: it was grey and mild.`);
  const id = await longSession(request, "Far back", [FACT, ...fillers]);
  await page.goto(`/#/sessions/${id}`);
  await say(page, "Where does my sister keep her violin?");
  const reply = page.locator(".reply").last();
  await reply.locator(".sources summary").click();
  const source = reply.locator(".sources li").filter({ hasText: FACT });
  await expect(source).toContainText("You said today at");
  await expect(source.locator("mark")).toContainText("blue cupboard");
  await source.getByRole("button", { name: "Go there" }).click();
  await expect(page.locator(".said").filter({ hasText: FACT })).toBeInViewport();
});

test("the memory of a session can be switched off, and the list says so", async ({
  page,
  request,
}) => {
  const id = await session(request, "A secret chat");
  await page.goto(`/#/sessions/${id}`);
  const memory = page.getByRole("switch", { name: "Memory" });
  await expect(memory).toBeChecked();
  await memory.click();
  await expect(memory).not.toBeChecked();
  await expect(page.getByRole("link", { name: /A secret chat/ }).first()).toContainText("memory off");
  const stored = await json(request.get(`/api/v1/sessions/${id}`));
  expect(stored.long_term_memory_enabled).toBe(false);
});

test("a reply streams, and stops when it is told to", async ({ browser }) => {
  test.skip(SLOW === "", "there is no slow server");
  const page = await browser.newPage({ baseURL: SLOW });
  await page.route("**/messages", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const body = { ...route.request().postDataJSON(), response_format: ENDLESS };
    return route.continue({ postData: JSON.stringify(body) });
  });
  await page.goto("/");
  await page.getByRole("textbox", { name: "Message", exact: true }).fill("Tell me a long story.");
  await page.keyboard.press("Enter");
  await expect(page.locator(".reply.live .prose")).not.toBeEmpty();
  await page.getByRole("button", { name: "Stop the reply" }).click();
  await expect(page.locator(".reply .ending")).toHaveText("Stopped.");
  await expect(page.getByRole("button", { name: "Send" })).toBeVisible();
  await page.close();
});

test("what was said can be edited, and what came after it is gone", async ({ page, request }) => {
  const id = await session(request, "Second thoughts", ["One.", "Two.", "Three."]);
  await page.goto(`/#/sessions/${id}`);
  const second = page.locator(".said").filter({ hasText: "Two." });
  await second.hover();
  await second.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("textbox", { name: "Edit the message" }).fill("Two and a half.");
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(page.locator(".said .bubble")).toHaveText(["One.", "Two and a half."]);
  await expect(page.getByRole("button", { name: "Memories of this chat: 4" })).toBeVisible();
  const stored = await json(request.get(`/api/v1/sessions/${id}/messages`));
  const contents = stored.map((message: { content: string }) => message.content);
  expect(contents).not.toContain("Three.");
});

test("a reply can be made again", async ({ page, request }) => {
  const id = await session(request, "Once more", ["Say something."]);
  await page.goto(`/#/sessions/${id}`);
  const [, before] = await json(request.get(`/api/v1/sessions/${id}/messages`));
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect(page.locator(`#message-${before.id}`)).toHaveCount(0);
  await expect(page.locator(".reply:not(.live)")).toHaveCount(1);
  await expect(page.locator(".said .bubble")).toHaveText(["Say something."]);
});

test("later turns leave the chat only if one says so", async ({ page, request }) => {
  const id = await session(request, "Not so fast", ["One.", "Two.", "Three."]);
  await page.goto(`/#/sessions/${id}`);
  const again = page.getByRole("button", { name: "Answer again" }).first();
  await again.click();
  const question = page.getByRole("group", { name: "Answer again?" });
  await expect(question).toContainText("2 later turns leave the chat and its memory.");
  await expect(question.getByRole("button", { name: "Cancel" })).toBeFocused();
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(question).toHaveCount(0);
  await expect(again).toBeFocused();
  const stored = await json(request.get(`/api/v1/sessions/${id}/messages`));
  expect(stored).toHaveLength(6);
  await again.click();
  await question.getByRole("button", { name: "Drop them and answer" }).click();
  await expect(page.locator(".said .bubble")).toHaveText(["One."]);
  await expect(page.locator(".reply:not(.live)")).toHaveCount(1);
});

test("notes want no answer", async ({ page, request }) => {
  const id = await session(request, "Notes of an assistant");
  for (const content of ["The boat is called Meltemi.", "The car is blue."]) {
    const messages = [{ role: "user", content }];
    await json(request.post(`/api/v1/sessions/${id}/messages/import`, { data: { messages } }));
  }
  await page.goto(`/#/sessions/${id}`);
  await expect(page.locator(".said")).toHaveCount(2);
  await expect(page.getByText("This was not answered.")).toHaveCount(0);
});

test("a new chat offers what to say, and then what to ask", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "My dog is called Zorvik." }).click();
  const question = page.getByRole("button", { name: "What is my dog's name?" });
  await question.click();
  await expect(page.locator(".said .bubble")).toHaveText([
    "My dog is called Zorvik.",
    "What is my dog's name?",
  ]);
  await expect(page.locator(".reply:not(.live)")).toHaveCount(2);
  await expect(question).toHaveCount(0);
});

test("what is being written outlives a reload, in its own chat", async ({ page, request }) => {
  const id = await session(request, "Half a sentence", ["Hello."]);
  await page.goto(`/#/sessions/${id}`);
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.fill("I was about to say");
  await page.reload();
  await expect(box).toHaveValue("I was about to say");
  await page.getByRole("button", { name: "New chat", exact: true }).click();
  await expect(box).toHaveValue("");
});

test("a reply is text, whatever the model says", async ({ page, request }) => {
  const id = await session(request, "Hostile", ["Hello."]);
  const hostile = [
    "# A heading",
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
    "![look](https://example.invalid/pixel.png)",
    "[click](javascript:alert(1)) <a href='https://example.invalid/'>out</a>",
    "<form action='https://example.invalid/'><input name=q></form><style>*{display:none}</style>",
    "```html\n<b>code</b>\n```",
  ].join("\n\n");
  await page.route("**/messages?**", async (route) => {
    const messages = await (await route.fetch()).json();
    messages[1].content = hostile;
    await route.fulfill({ json: messages });
  });
  await page.goto(`/#/sessions/${id}`);
  const reply = page.locator(".reply");
  await expect(reply.getByRole("heading", { name: "A heading" })).toBeVisible();
  await expect(reply.locator(".code code")).toHaveText("<b>code</b>");
  await expect(reply.locator("img, script, form, input, style")).toHaveCount(0);
  await expect(reply.locator("a[href^='javascript']")).toHaveCount(0);
  await expect(reply.locator("a[href^='https']").first()).toHaveAttribute("rel", /noopener/);
  await expect(reply).toContainText("<script>document.title='owned'</script>");
  expect(await page.title()).not.toContain("owned");
});

test("Markdown is drawn as it is meant", async ({ page, request }) => {
  const id = await session(request, "Drawn", ["Hello."]);
  const text = [
    "- [x] Buy string\n- [ ] Tune it",
    "| Step | Cost |\n| :--- | ---: |\n| One | 12 |",
    "So \\(a+b\\) is \\[c\\], and 1 \\* 2.",
  ].join("\n\n");
  await page.route("**/messages?**", async (route) => {
    const messages = await (await route.fetch()).json();
    messages[1].content = text;
    await route.fulfill({ json: messages });
  });
  await page.goto(`/#/sessions/${id}`);
  const reply = page.locator(".reply");
  await expect(reply.locator("li").nth(0).getByRole("img", { name: "done" })).toBeVisible();
  await expect(reply.locator("li").nth(1).getByRole("img", { name: "to do" })).toBeVisible();
  await expect(reply.getByRole("cell", { name: "12" })).toHaveCSS("text-align", /right|end/);
  await expect(reply.getByRole("cell", { name: "One" })).toHaveCSS("text-align", /left|start/);
  await expect(reply).toContainText("So \\(a+b\\) is \\[c\\], and 1 * 2.");
  await accessible(page);
});

test("what is written before the chats are there is written in the chat", async ({ page, request }) => {
  const id = await session(request, "Slow to come", ["Hello."]);
  let listed = () => {};
  const asked = new Promise<void>((resolve) => (listed = resolve));
  await page.route("**/api/v1/sessions?**", async (route) => {
    await asked;
    await route.continue();
  });
  await page.goto(`/#/sessions/${id}`);
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.fill("I was quick");
  listed();
  await expect(page.locator(".said .bubble")).toHaveText(["Hello."]);
  await expect(box).toHaveValue("I was quick");
});

test("an error of the server is told where it happened", async ({ page, request }) => {
  const id = await session(request, "Too much", ["Hello."]);
  await page.goto(`/#/sessions/${id}`);
  const long = "x ".repeat(20_000).trim();
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.fill(long);
  await expect(page.locator(".under[role=alert]")).toContainText(/this has [\d,]+: it needs/);
  await say(page, long);
  // Once, in words for people, and what was written is there to be shortened.
  await expect(page.locator(".failure")).toHaveText(/longer than the model can read/);
  await expect(page.getByRole("button", { name: "Answer again" })).toHaveCount(1);
  await page.getByRole("button", { name: "Edit the message" }).click();
  const edited = page.getByRole("textbox", { name: "Edit the message" });
  await expect(edited).toHaveValue(long);
  await edited.fill("Shorter.");
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(page.locator(".said .bubble")).toHaveText(["Hello.", "Shorter."]);
  await expect(page.locator(".failure")).toHaveCount(0);
  await page.goto("/#/sessions/00000000-0000-4000-8000-000000000000");
  await expect(page.locator(".toast")).toContainText("no session");
  await expect(page).toHaveURL(/#\/$/);
});

test("one goes from a sentence to what it rests on", async ({ page, request }) => {
  const id = await session(request, "Cited", [FACT]);
  const sentence = "Im **Schränkchen**, dem blauen.";
  await page.route("**/messages?**", async (route) => {
    const messages = await (await route.fetch()).json();
    const end = FACT.length;
    messages[1].content = `${sentence} Das ist alles.\n\n\`\`\`\ncode\n\`\`\``;
    messages[1].metadata.consulted = [
      { kind: "memory", message_id: messages[0].id, score: 1, tokens: 9, spans: [[0, end]] },
    ];
    messages[1].metadata.cited = [
      // Bytes: `ä` has two.
      { sentence: [0, sentence.length + 1], consulted: 0, span: [end - 14, end - 1] },
    ];
    await route.fulfill({ json: messages });
  });
  await page.goto(`/#/sessions/${id}`);
  const reply = page.locator(".reply");
  await expect(reply.locator(".block").first()).toHaveText(/dem blauen\.\u20601 Das ist alles\./);
  await reply.getByRole("button", { name: "Source 1" }).click();
  await expect(reply.locator(".sources li")).toBeVisible();
  await expect(reply.locator(".sources mark")).toHaveText("blue cupboard");
  await expect(reply.locator(".sources summary")).toHaveText("1 source");
});

test("what nobody answered can be answered later", async ({ page, request }) => {
  const id = await session(request, "Interrupted", ["Are you there?"]);
  let lost = true;
  await page.route("**/messages?**", async (route) => {
    const messages = await (await route.fetch()).json();
    await route.fulfill({ json: lost ? messages.slice(0, 1) : messages });
  });
  await page.goto(`/#/sessions/${id}`);
  await expect(page.getByText("This was not answered.")).toBeVisible();
  lost = false;
  await page.getByRole("button", { name: "Answer it now" }).click();
  await expect(page.locator(".reply:not(.live)")).toHaveCount(1);
  await expect(page.getByText("This was not answered.")).toHaveCount(0);
});
