/** Keys in addresses, languages of browsers, paths of requests. */
import { describe, expect, it } from "vitest";
import { errorOf, newId, urlOf } from "./api.ts";
import { pickLocale } from "./i18n.ts";
import { keyFromHash } from "./session.ts";

describe("keyFromHash", () => {
  it("finds the key of a setup link", () => {
    expect(keyFromHash("#key=mo_abc%2B1")).toBe("mo_abc+1");
    expect(keyFromHash("#key=")).toBeNull();
    expect(keyFromHash("#main")).toBeNull();
    expect(keyFromHash("")).toBeNull();
  });
});

describe("pickLocale", () => {
  it("takes the first language that we speak", () => {
    expect(pickLocale(["pt-BR", "en"])).toBe("pt-BR");
    expect(pickLocale(["pt-PT"])).toBe("pt-BR");
    expect(pickLocale(["de-DE", "en-GB", "pt"])).toBe("en");
    expect(pickLocale(["es-AR", "pt"])).toBe("es");
    expect(pickLocale(["de-DE"])).toBe("en");
    expect(pickLocale([])).toBe("en");
  });
});

describe("requests", () => {
  it("leaves empty filters out and keeps the rest safe", () => {
    expect(urlOf("/v1/x", { a: undefined, b: "", c: "é&=", d: 0 })).toBe("/v1/x?c=%C3%A9%26%3D&d=0");
    expect(urlOf("/v1/x", {})).toBe("/v1/x");
  });

  it("reads the cloud's problems", async () => {
    const problem = {
      code: "NOT_FOUND",
      title: "Not found",
      detail: "there is no station",
      status: 404,
      instance: "r1",
    };
    const error = await errorOf(new Response(JSON.stringify(problem), { status: 404 }));
    expect(error).toMatchObject({
      status: 404,
      code: "NOT_FOUND",
      message: "there is no station",
      instance: "r1",
    });
  });

  it("takes a proxy's own page for a cloud that is away", async () => {
    expect(await errorOf(new Response("<html>", { status: 502 }))).toMatchObject({ code: "unreachable" });
    expect(await errorOf(new Response("nope", { status: 418 }))).toMatchObject({ code: "http-418" });
  });

  it("makes version 4 UUIDs", () => {
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
