// The page in a real browser against a real server: pick a file, watch the bar, receive the bytes.
// LONGHAUL_URL, LONGHAUL_FILE (its name) and LONGHAUL_SHA256 say what; LONGHAUL_ARTIFACTS, where
// screenshots go. Prints one line of JSON, or ends with a word on what went wrong.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { chromium } from "playwright-core";

const { LONGHAUL_URL: url, LONGHAUL_FILE: name, LONGHAUL_SHA256: wanted, LONGHAUL_ARTIFACTS: artifacts } = process.env;
if (!url || !name || !wanted) throw new Error("LONGHAUL_URL, LONGHAUL_FILE and LONGHAUL_SHA256 are needed");
const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find(existsSync);
if (!executablePath) throw new Error("no Chromium: make setup installs it");

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
  const complaints = [];
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  await page.locator("[data-testid=server-state][data-state=online]").waitFor();
  await page.getByTestId("add-button").click();
  await page.getByTestId("catalogue-search").fill(name);
  const item = page.getByTestId("catalogue-item").filter({ hasText: name });
  await item.waitFor();
  const download = page.waitForEvent("download");
  await item.first().click();
  const row = page.getByTestId("download-row").filter({ hasText: name });
  await row.waitFor();
  const seen = new Set();
  for (;;) {
    seen.add(await row.getAttribute("data-progress"));
    const state = await row.getAttribute("data-state");
    if (state === "completed") break;
    if (state === "failed") throw new Error(`failed: ${await row.innerText()}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const file = await (await download).path();
  const digest = createHash("sha256");
  await pipeline(createReadStream(file), digest);
  const sha256 = digest.digest("hex");
  if (sha256 !== wanted) throw new Error(`the browser received ${sha256}, not ${wanted}`);
  if (artifacts) {
    mkdirSync(artifacts, { recursive: true });
    await page.screenshot({ path: `${artifacts}/web.png` });
  }
  // A reload takes the job up again and downloads nothing twice.
  let again = 0;
  page.on("download", () => { again += 1; });
  await page.reload();
  await page.locator("[data-testid=download-row][data-state=completed]").waitFor();
  if (again > 0) throw new Error("a reload downloaded the file again");
  if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join("; ")}`);
  console.log(JSON.stringify({ sha256, steps: seen.size }));
} finally {
  await browser.close();
}
