/** People: who may go where, days of grants, lines of the audit, names of browsers. */
import { describe, expect, it } from "vitest";
import { filterOf, linesOf } from "./audit.ts";
import { browserName } from "./browser-name.ts";
import { dayOf, endOfDay, grantOf, isComplete, lastMoment, newGrant } from "./grant.ts";
import { isOutOfScope } from "./me.ts";
import { needOf, PLACES } from "./places.ts";

describe("what a page needs", () => {
  it("is the same below it as at it, and nothing where nothing is asked for", () => {
    expect(needOf("/")).toBe("sites:read");
    expect(needOf("/people")).toBe("users:read");
    expect(needOf("/stations/CP-1/commands")).toBe("stations:read");
    expect(needOf("/account")).toBeUndefined();
    // A longer word is another place.
    expect(needOf("/peoples")).toBeUndefined();
  });

  it("is known for every place of the navigation", () => {
    for (const { to, needs } of PLACES) expect(needOf(to)).toBe(needs);
  });

  it("tells a role that lacks something from a scope that takes it away", () => {
    expect(isOutOfScope({ role: "admin", siteIds: ["a"] }, "users:read")).toBe(true);
    expect(isOutOfScope({ role: "support", siteIds: ["a"] }, "users:read")).toBe(false);
    expect(isOutOfScope({ role: "admin", siteIds: null }, "operator:write")).toBe(false);
    expect(isOutOfScope({ role: "of-a-newer-release", siteIds: ["a"] }, "users:read")).toBe(false);
  });
});

describe("a grant", () => {
  it("ends with its last day, and comes back as that day", () => {
    const end = endOfDay("2026-02-28") ?? "";
    expect(new Date(end).getTime()).toBe(new Date("2026-03-01T00:00:00").getTime());
    expect(dayOf(end)).toBe("2026-02-28");
    expect(new Date(lastMoment(end)).getDate()).toBe(28);
    expect(endOfDay("")).toBeNull();
    expect(dayOf(null)).toBe("");
  });

  it("of an owner is for everything and for ever", () => {
    expect(grantOf({ role: "owner", siteIds: ["a"], expiresOn: "2026-02-28" })).toEqual({
      ...{ role: "owner", siteIds: null, expiresAt: null },
    });
  });

  it("is not complete while it names no site", () => {
    expect(isComplete(newGrant("support"))).toBe(true);
    expect(isComplete({ ...newGrant("support"), siteIds: [] })).toBe(false);
    expect(isComplete({ ...newGrant("owner"), siteIds: [] })).toBe(true);
  });
});

describe("the audit", () => {
  it("takes days as they begin here, the last one included", () => {
    const { from, to, ...rest } = filterOf({ actor: "ana", from: "2026-02-28", to: "2026-02-28" });
    expect(rest).toEqual({ actor: "ana" });
    expect(Date.parse(to ?? "") - Date.parse(from ?? "")).toBe(86_400_000);
    expect(filterOf({ from: "yesterday", to: "2026-99-99" })).toEqual({});
  });

  it("shows what changed, and leaves out what did not", () => {
    const before = { name: "A", policy: { hours: 2, mode: "x" } };
    const after = { name: "A", policy: { hours: 3, mode: "x" }, note: null };
    expect(linesOf({ before, after, by: "form" })).toEqual([
      { name: "policy.hours", before: "2", after: "3" },
      { name: "by", after: "form" },
    ]);
  });

  it("reads details of any shape", () => {
    expect(linesOf(null)).toEqual([]);
    expect(linesOf("gone")).toEqual([{ name: "", after: "gone" }]);
    expect(linesOf({ siteIds: ["a", "b"], limits: {}, deep: { list: [{ a: 1 }] } })).toEqual([
      { name: "siteIds", after: "a, b" },
      { name: "limits", after: "{}" },
      { name: "deep.list", after: '[{"a":1}]' },
    ]);
    expect(linesOf({ before: 1, after: 2 })).toEqual([
      { name: "before", after: "1" },
      { name: "after", after: "2" },
    ]);
  });
});

describe("a browser's name", () => {
  it.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
      "Safari · iPhone",
    ],
    [
      "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
      "Chrome · Android",
    ],
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140.0", "Edge · Windows"],
    ["curl/8.0", undefined],
    [null, undefined],
  ])("%s", (userAgent, name) => {
    expect(browserName(userAgent)).toBe(name);
  });
});
