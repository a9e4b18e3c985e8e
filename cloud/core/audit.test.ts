import { describe, expect, it } from "vitest";
import { changeOf } from "./audit.ts";

describe("the detail of an update", () => {
  it("is what changed, before and after", () => {
    expect(changeOf({ role: "admin", name: "a" }, { role: "support", name: "a" })).toEqual({
      before: { role: "admin" },
      after: { role: "support" },
    });
  });

  it("compares values by what they hold, whatever order they are written in", () => {
    const [was, is] = [{ cap: { a: 1, b: [1, 2] } }, { cap: { b: [1, 2], a: 1 } }];
    expect(changeOf(was, is)).toEqual({ before: {}, after: {} });
    expect(changeOf({ sites: ["a", "b"] }, { sites: ["b", "a"] }).after).toEqual({ sites: ["b", "a"] });
  });

  it("says null for what is not there on one side, and nothing of the time of the change", () => {
    expect(changeOf({ updatedAt: "1", max: 5 }, { updatedAt: "2", limit: 6 })).toEqual({
      before: { max: 5, limit: null },
      after: { max: null, limit: 6 },
    });
  });
});
