// @vitest-environment jsdom
// What the timetable does now is said where its rest is.
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { Backend } from "../backend/backend";
import type { Totals } from "../backend/generated/Totals";
import { Told } from "./told";

afterEach(cleanup);

function said(change: Partial<Totals>): string {
  const totals = { all: 0, active: 0, waiting: 0, completed: 0, failed: 0, speed: 0, rests: false, slowed: null, until: null, ...change };
  const list = { downloads: [], server: { state: "online" as const }, servers: [], notices: [], totals };
  render(<Told backend={{} as Backend} list={list} problem="" dismissProblem={() => undefined} />);
  const text = screen.queryByRole("status")?.textContent ?? "";
  cleanup();
  return text;
}

test("that it slows downloads is told, with how fast they may be and until when", () => {
  expect(said({})).toBe("");
  expect(said({ slowed: 2_000_000 })).toBe("By the timetable, downloads make 2.0 MB/s at most.");
  expect(said({ slowed: 2_000_000, until: new Date().toISOString() })).toMatch(/^By the timetable, .* 2\.0 MB\/s at most until /u);
  expect(said({ rests: true, slowed: 2_000_000 })).toBe("By the timetable, downloads rest.");
});
