/** What the environment may say of people, and what it may not. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPeopleConfig } from "./people-config.ts";

let dir: string;
const file = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), "moov-people-"))));
afterAll(() => rmSync(dir, { recursive: true }));

const oidc = () => ({
  SG_OIDC_ISSUER: "https://login.example/tenant/",
  SG_OIDC_CLIENT_ID: "sg",
  SG_OIDC_CLIENT_SECRET_FILE: file("oidc", "s3cret\n"),
  SG_OIDC_DOMAINS: "Example.com, example.com.br",
});

test("nothing is needed", () => {
  expect(readPeopleConfig({})).toEqual({ trustProxy: [] });
});

test("everything is read, secrets from files", () => {
  const secret = "0123456789abcdef0123456789abcdef";
  expect(
    readPeopleConfig({
      ...oidc(),
      SG_WEB_URL: "https://olt.example/",
      SG_PUBLIC_URL: "http://10.0.0.1:8080",
      SG_AUTH_SECRET_FILE: file("secret", `${secret}\n`),
      SG_TRUST_PROXY: "10.0.0.0/8, 2001:db8::1",
    }),
  ).toEqual({
    webUrl: "https://olt.example",
    authSecret: secret,
    sso: {
      name: "login.example",
      discoveryUrl: "https://login.example/tenant/.well-known/openid-configuration",
      clientId: "sg",
      clientSecret: "s3cret",
      domains: ["example.com", "example.com.br"],
    },
    trustProxy: ["10.0.0.0/8", "2001:db8::1"],
  });
  expect(readPeopleConfig({ SG_PUBLIC_URL: "https://olt.example" }).webUrl).toBe("https://olt.example");
});

test.each([
  [{ SG_WEB_URL: "olt.example" }, "SG_WEB_URL"],
  [{ SG_WEB_URL: "https://olt.example/app" }, "at the root"],
  [{ SG_TRUST_PROXY: "proxy.local" }, "SG_TRUST_PROXY"],
  [{ SG_OIDC_ISSUER: "http://login.example" }, "SG_OIDC_ISSUER"],
  [{ SG_OIDC_ISSUER: "https://login.example" }, "SG_OIDC_DOMAINS is not set"],
  [{ SG_OIDC_ISSUER: "https://login.example", SG_OIDC_DOMAINS: "*" }, 'SG_OIDC_DOMAINS holds "*"'],
] as const)("%o is named", (env, words) => {
  expect(() => readPeopleConfig(env)).toThrow(words);
});

test("a short or empty secret is named, and not told", () => {
  expect(() => readPeopleConfig({ SG_AUTH_SECRET_FILE: file("short", "hunter2") })).toThrow(/less than 32/);
  expect(() => readPeopleConfig({ ...oidc(), SG_OIDC_CLIENT_SECRET_FILE: file("empty", "\n") })).toThrow(
    /empty/,
  );
});
