/** Lists of which the top is fetched again: no gaps, no repeats. */
import { describe, expect, it } from "vitest";
import { fc } from "../../../sim/services/property.ts";
import { appendOlder, FEED_ITEMS_MAX, mergeNewest } from "./feed.ts";

const id = (item: number) => String(item);
/** The cloud's list, newest first, cut to a page from `after` on. */
const page = (all: readonly number[], size: number, after?: number) => {
  const from = after === undefined ? 0 : all.indexOf(after) + 1;
  const items = all.slice(from, from + size);
  return { items, nextCursor: from + size < all.length ? String(items.at(-1)) : null };
};
const countDown = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, index) => from - index);

describe("mergeNewest", () => {
  it("puts new items on top and keeps the older pages", () => {
    const known = appendOlder(page(countDown(10, 1), 3), page(countDown(10, 1), 3, 8), id);
    expect(mergeNewest(known, page(countDown(12, 1), 3), id)).toEqual({
      items: countDown(12, 5),
      nextCursor: "5",
    });
  });

  it("takes items that have left the list out of it", () => {
    const known = page([5, 4, 3, 2, 1], 4);
    expect(mergeNewest(known, { items: [5, 3, 2], nextCursor: "2" }, id).items).toEqual([5, 3, 2]);
  });

  it("drops what is known instead of leaving a hole", () => {
    const known = page(countDown(10, 1), 3);
    expect(mergeNewest(known, page(countDown(90, 1), 3), id)).toEqual({
      items: [90, 89, 88],
      nextCursor: "88",
    });
  });

  it("does not grow for ever", () => {
    const known = { items: countDown(FEED_ITEMS_MAX + 1, 2), nextCursor: "2" };
    const fresh = { items: [FEED_ITEMS_MAX + 2, FEED_ITEMS_MAX + 1], nextCursor: "x" };
    expect(mergeNewest(known, fresh, id)).toEqual(fresh);
  });

  it("is always a gapless top of the cloud's list, whatever comes between", () => {
    const step = fc.oneof(fc.record({ add: fc.nat({ max: 12 }) }), fc.constant("older" as const));
    fc.assert(
      fc.property(
        fc.nat({ max: 30 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(step),
        (start, size, steps) => {
          let all = countDown(start, 1);
          let known = page(all, size);
          for (const one of steps) {
            if (one === "older") {
              const last = known.items.at(-1);
              if (known.nextCursor !== null && last !== undefined)
                known = appendOlder(known, page(all, size, last), id);
            } else {
              all = [...countDown(all.length + one.add, all.length + 1), ...all];
              known = mergeNewest(known, page(all, size), id);
            }
            expect(known.items).toEqual(all.slice(0, known.items.length));
            expect(known.nextCursor === null).toBe(known.items.length === all.length);
          }
        },
      ),
    );
  });
});
