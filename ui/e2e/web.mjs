// The page in a real browser against a real server: pick a file, watch the bar, receive the bytes.
// LONGHAUL_URL, LONGHAUL_FILE (its name) and LONGHAUL_SHA256 say what; LONGHAUL_ARTIFACTS, where
// screenshots go. Prints one line of JSON, or ends with a word on what went wrong.
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { faultsOf } from "./axe.mjs";
import { launch, pressIn } from "./chromium.mjs";

const { LONGHAUL_URL: url, LONGHAUL_FILE: name, LONGHAUL_SHA256: wanted, LONGHAUL_ARTIFACTS: artifacts } = process.env;
if (!url || !name || !wanted) throw new Error("LONGHAUL_URL, LONGHAUL_FILE and LONGHAUL_SHA256 are needed");

const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
  const complaints = [];
  // Requests that fail while the server is taken away are no complaint.
  const faults = [];
  page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.setDefaultTimeout(60_000);
  let initiated = 0;
  page.on("request", (request) => { if (request.method() === "POST") initiated += 1; });
  await page.goto(url);
  await page.locator("[data-testid=server-state][data-state=online]").waitFor();

  // The dialog opens by its key with the focus in its field, and Escape gives the focus back.
  await page.getByTestId("add-button").focus();
  await page.keyboard.press("Control+n");
  await page.keyboard.type("7, 7 neither");
  await page.getByRole("dialog").getByText("1 understood · 1 named twice · 1 unclear").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await focused(page.getByTestId("add-button"));

  await page.getByTestId("add-button").click();
  await page.getByTestId("catalogue-search").fill(name);
  const item = page.getByTestId("catalogue-item").filter({ hasText: name });
  await item.waitFor();
  const download = page.waitForEvent("download");
  await item.first().click();
  const row = page.getByTestId("download-row").filter({ hasText: name });
  await row.waitFor();

  // Leaving the page in the middle leaves the job; coming back goes on with it.
  await page.locator("[data-testid=download-row]:is([data-state=preparing], [data-state=completed])").waitFor();
  const seen = new Set([await row.getAttribute("data-progress")]);
  await page.goto("about:blank");
  await page.goBack();
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
  if (initiated !== 1) throw new Error(`one click initiated ${initiated} jobs`);
  await readable("the list");
  await picture("web.png");

  // A reload takes the job up again and downloads nothing twice.
  let again = 0;
  page.on("download", () => { again += 1; });
  await page.reload();
  await page.locator("[data-testid=download-row][data-state=completed]").waitFor();
  if (again > 0) throw new Error("a reload downloaded the file again");

  // The row's menu lists what its buttons do, and the details to copy; saving again takes a fresh link.
  await row.hover();
  await row.locator("button").first().waitFor();
  const buttons = await row.locator("button").evaluateAll((items) => items.map((it) => it.dataset.testid));
  await row.click({ button: "right" });
  const menu = await page.getByRole("menuitem").evaluateAll((items) => items.map((it) => it.dataset.testid));
  const [copy, ...rest] = [...menu].sort((a, b) => Number(b.includes("copy")) - Number(a.includes("copy")));
  if (copy !== "menu-action-copyDetails" || rest.join().replaceAll("menu-", "row-") !== buttons.join()) {
    throw new Error(`the menu has ${menu}, the row ${buttons}`);
  }
  const saved = page.waitForEvent("download");
  await page.getByTestId("menu-action-open").click();
  await (await saved).cancel();
  await focused(row);

  // Five failures are told with the time of the next try; the first answer takes the notice away.
  complaints.push(...faults.splice(0));
  await page.route("**/v1/**", (route) => route.abort());
  await page.getByTestId("offline").getByText("Next try at").waitFor();
  await readable("the list without its server");
  await picture("web-offline.png");
  await page.unroute("**/v1/**");
  faults.length = 0;
  await page.getByTestId("offline").getByRole("button").click();
  await page.getByTestId("offline").waitFor({ state: "detached" });

  // What is finished is taken off the list without a question, and the page teaches again.
  await pressIn(row, "remove");
  await page.getByTestId("empty-field").waitFor();
  complaints.push(...faults);
  if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join("; ")}`);
  console.log(JSON.stringify({ sha256, steps: seen.size }));
  async function picture(file) {
    if (!artifacts) return;
    mkdirSync(artifacts, { recursive: true });
    await page.screenshot({ path: `${artifacts}/${file}` });
  }
  /** What is seen can be read and reached by all. */
  async function readable(what) {
    const found = await faultsOf(page);
    if (found.length > 0) throw new Error(`${what}: ${found.join("; ")}`);
  }
  /** Waits until it has the focus. */
  async function focused(locator) {
    const element = await locator.elementHandle();
    await page.waitForFunction((it) => document.activeElement === it, element);
  }
} finally {
  await browser.close();
}
