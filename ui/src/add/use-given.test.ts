// What is taken of pastes and dropped files.
import { expect, test } from "vitest";
import { takenOf, takenOfFiles } from "./use-given";

const file = (name: string, text: string) => new File([text], name);

test("a text is taken whole or not at all", () => {
  const most = "7 ".repeat(2 << 20);
  expect(takenOf(most)).toEqual({ text: most, refused: "" });
  const more = takenOf(`${most}7`);
  expect(more.text).toBe("");
  expect(more.refused).not.toBe("");
});

test("files that are lists are read, and the others are named", async () => {
  const taken = await takenOfFiles([
    file("a.txt", "7"), file("b.txt", "8"), file("large.txt", "7 ".repeat(3 << 20)), file("c.zip", "PK\0\0"),
  ]);
  expect(taken.text).toBe("7\n8");
  expect(taken.refused).toContain("large.txt");
  expect(taken.refused).toContain("c.zip");
});

test("one that cannot be read keeps no other from being taken", async () => {
  const folder = Object.assign(file("folder", ""), { text: () => Promise.reject(new Error("it is a folder")) });
  const taken = await takenOfFiles([folder, file("a.txt", "7")]);
  expect(taken.text).toBe("7");
  expect(taken.refused).toContain("folder");
});
