/** Which answer to a piece of work is offered first, and under which word. */
import { describe, expect, it } from "vitest";
import type { Review } from "../../api/review-schemas.ts";
import { actionWord, isFinal, mainAction } from "./review.ts";

const review = (actions: Review["actions"], change: Partial<Review> = {}) =>
  ({ actions, journal: null, ...change }) as Review;

describe("what is offered first", () => {
  it("is a merge where a transaction fits, and only there", () => {
    const orphan = review(["merge", "accept", "write-off"]);
    expect(mainAction(orphan, 1)).toBe("merge");
    expect(mainAction(orphan, 0)).toBe("accept");
  });

  it("is never what gives something up for good", () => {
    expect(mainAction(review(["discard"]), 0)).toBeUndefined();
    expect((["write-off", "discard", "accept"] as const).map((action) => isFinal(action))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe("words", () => {
  it("has another word for what is only to be known", () => {
    expect(actionWord(review([], { journal: {} as never }), "accept")).toBe("know");
    expect(actionWord(review([]), "accept")).toBe("accept");
  });
});
