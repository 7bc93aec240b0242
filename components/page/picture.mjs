// Makes the picture of the page that the README shows, `picture.webp` beside this file, from a
// server with any chat model: `LOCI_URL=http://127.0.0.1:3000 node components/page/picture.mjs`.
// It leaves a chat behind, so use a data folder that may go.
import fs from "node:fs";
import { chromium } from "@playwright/test";

const server = process.env.LOCI_URL ?? "http://127.0.0.1:3000";
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const viewport = { width: 1280, height: 780 };

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${server}/api/v1${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`\`${path}\`: ${await response.text()}`);
  return response.json();
}

const TALK = [
  ["My sister Oriane keeps her violin in the blue cupboard.", "Noted: the blue cupboard."],
  ["The workshop alarm code is 4471, and Henrik knows it too.", "I will remember who has it."],
  ["We sail on Saturday if the wind stays below five.", "Then Friday evening decides it."],
];
const SMALL = [
  ["How long do I boil six eggs?", "Nine minutes from boiling water, then cold water at once."],
  ["A word for *slowly getting used to something*?", "**Acclimatise**, or *settle in*."],
  ["Which day was the invoice due?", "On the 14th; that leaves a week."],
  ["Shorten this: we would like to kindly ask you to", "“Please” is enough."],
];
const LAST = [
  ["What should I pack for two days on the boat?", "Layers, a hat, and something dry for the night:\n\n1. two warm layers and a windbreaker\n2. a hat that stays on\n3. dry socks, in a bag of their own"],
];

const { id } = await post("/sessions", { name: "Everyday things" });
const small = Array.from({ length: 44 }, (_, at) => SMALL[at % SMALL.length]);
const turns = [...TALK, ...small, ...LAST];
const messages = turns.flatMap(([said, answer]) => [
  { role: "user", content: said },
  { role: "assistant", content: answer },
]);
await post(`/sessions/${id}/messages/import`, { messages });
for (const name of ["Marina Zea, berth 12", "Letters to the council", "Harvest diary"]) {
  await post("/sessions", { name });
}

const browser = await chromium.launch({ executablePath });
const page = await browser.newPage({ viewport, colorScheme: "light", locale: "en-GB" });
await page.goto(`${server}/#/sessions/${id}`);
await page.getByRole("textbox", { name: "Message", exact: true }).fill("Where is the violin?");
await page.getByRole("button", { name: "Try this prompt" }).click();
const memory = page.locator(".piece.memory").filter({ hasText: "blue cupboard" });
await memory.waitFor();
await memory.evaluate((piece) => piece.scrollIntoView({ block: "center" }));
const png = (await page.screenshot()).toString("base64");
const blank = await browser.newPage();
const webp = await blank.evaluate(async (png) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", 0.9).split(",")[1];
}, png);
await browser.close();
const file = new URL("picture.webp", import.meta.url);
fs.writeFileSync(file, Buffer.from(webp, "base64"));
console.log(`${file.pathname}: ${fs.statSync(file).size} bytes`);
