// @vitest-environment jsdom
// The hours of a timetable outlive its being switched off.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test } from "vitest";
import type { Timetable } from "../backend/generated/Timetable";
import { readHours, TimetableSettings } from "./timetable-settings";

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const NIGHTS: Timetable = { days: [true, true, true, true, true, true, true], from: 22 * 60, to: 6 * 60, limit: null };

function Settings({ saved }: { saved: (table: Timetable | null) => void }) {
  const [table, setTable] = useState<Timetable | null>(NIGHTS);
  return <TimetableSettings table={table} save={(next) => { saved(next); setTable(next); }} />;
}

test("switched off and on again, also after the dialog was closed, it has the hours that it had", () => {
  const saved: (Timetable | null)[] = [];
  const { unmount } = render(<Settings saved={(table) => saved.push(table)} />);
  fireEvent.click(screen.getByRole("switch"));
  fireEvent.click(screen.getByRole("switch"));
  expect(saved).toEqual([null, NIGHTS]);
  fireEvent.click(screen.getByRole("switch"));
  unmount();
  expect(readHours(JSON.parse(localStorage.getItem("longhaul.timetable") ?? "null"))).toEqual(NIGHTS);
});

test("hours that cannot be read are as good as none", () => {
  const usual = readHours(null);
  expect(readHours({ ...NIGHTS, days: [true] })).toEqual(usual);
  expect(readHours({ ...NIGHTS, from: 1440 })).toEqual(usual);
  expect(readHours({ ...NIGHTS, limit: 3 })).toEqual(usual);
  expect(readHours("what?")).toEqual(usual);
});
