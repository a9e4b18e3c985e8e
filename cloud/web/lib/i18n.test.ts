/** Words on screen: areas come when they are asked for, and follow the language that is chosen. */
import { describe, expect, it } from "vitest";
import { chooseLocale, needWords, withWords, words, type Messages } from "./i18n.ts";
import { until } from "../../../sim/services/until.ts";

const shown = () => words.get().messages as Partial<Messages>;

describe("words on screen", () => {
  it("has those of the areas that were asked for, in the language that is chosen", async () => {
    expect(words.get()).toEqual({ locale: "en", messages: {} });
    await needWords("base");
    expect(shown().common?.retry).toBe("Try again");
    expect(shown().tariffs).toBeUndefined();

    const page = await withWords(["tariffs", "money"], () => Promise.resolve("the page"))();
    expect(page).toBe("the page");
    expect(shown().tariffs?.create).toBe("New tariff");
    expect(shown().common?.retry).toBe("Try again");

    chooseLocale("pt-BR");
    await until("the words are Portuguese", () => words.get().locale === "pt-BR");
    expect(shown().tariffs?.create).toBe("Nova tarifa");
    expect(shown().drivers).toBeUndefined();
    await needWords("drivers");
    expect(shown().drivers?.create).toBe("Novo motorista");
  });

  it("ends at the last choice, with all that was asked for in between", async () => {
    const asked = needWords("reports");
    chooseLocale("en");
    chooseLocale("pt-BR");
    chooseLocale("en");
    await Promise.all([asked, needWords("people")]);
    await until("the words are English", () => words.get().locale === "en");
    expect(shown().exports?.title).toBe("Take the data out");
    expect(shown().keys?.create).toBe("New API key");
    expect(shown().common?.retry).toBe("Try again");
  });

  it("tells nobody when there is nothing new", async () => {
    const before = words.get();
    await needWords("base", "tariffs");
    expect(words.get()).toBe(before);
  });

  it("rejects with a part that cannot be fetched", async () => {
    const lost = withWords(["base"], () => Promise.reject(new Error("away")));
    await expect(lost()).rejects.toThrow("away");
  });
});
