// The system's Chromium, without a window and without anything that reaches out by itself.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

export function launch() {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find(existsSync);
  if (!executablePath) throw new Error("no Chromium: make setup installs it");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-quic",
    ],
  });
}

/** Presses a button of a row, which is there while the pointer is on the row. */
export async function pressIn(row, action) {
  await row.hover();
  await row.getByTestId(`row-action-${action}`).click();
}
