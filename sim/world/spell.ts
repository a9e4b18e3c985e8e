/** Faults that come, stay and go: begun at random, ended by themselves or when the world is healed. */
import type { Chance } from "./chance.ts";
import type { Spell } from "./faults.ts";
import type { Timeline } from "./timeline.ts";

export type Context = { timeline: Timeline; chance: Chance };

/**
 * Begins again and again, at random, until the returned function is called, which also ends what lasts.
 * @param begin gets the duration; what it returns ends the fault.
 */
export function recur(
  { timeline, chance }: Context,
  spell: Spell,
  begin: (forMs: number) => () => void,
): () => void {
  if (spell.everyMs === 0) return () => {};
  let end: (() => void) | undefined;
  let cancel: () => void = () => {};
  const finish = () => {
    end?.();
    end = undefined;
  };
  const wait = () => {
    cancel = timeline.setTimer(chance.around(spell.everyMs), () => {
      const forMs = chance.around(spell.forMs);
      end = begin(forMs);
      cancel = timeline.setTimer(forMs, () => {
        finish();
        wait();
      });
    });
  };
  wait();
  return () => {
    cancel();
    finish();
  };
}
