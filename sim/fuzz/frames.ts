/** The frames of a fuzzing run: valid messages of every kind, then everything that can go wrong with them. */
import type { Protocol } from "../../shared/entry.ts";
import { OCPP_FRAME_BYTES_MAX } from "../../shared/limits.ts";
import { isFromStation } from "../../shared/ocpp/dialect.ts";
import { actionsOf, schemaOf } from "../../shared/ocpp/schemas.ts";
import type { Chance } from "../world/chance.ts";
import { generate, type Schema } from "./generate.ts";
import { mutatePayload, mutateShape, mutateText, rawText } from "./mutate.ts";

type Payload = Record<string, unknown>;

export type Frames = {
  /** The text of the next frame of a station. */
  next(): string;
  /** A CALL of ours that the version allows: action and payload. */
  ours(): { action: string; payload: Payload };
  /** An answer to such a CALL, right or wrong. */
  answer(messageId: string, action: string): string;
};

export function createFrames(chance: Chance, protocol: Protocol): Frames {
  const actions = actionsOf(protocol);
  const fromStation = actions.filter((action) => isFromStation(protocol, action));
  const ours = actions.filter((action) => !fromStation.includes(action) || action === "DataTransfer");
  const schema = (action: string, direction: "Request" | "Response") =>
    (schemaOf(protocol, action, direction) ?? {}) as Schema;
  const pick = (list: readonly string[]) => list[chance.between(0, list.length - 1)] ?? "Heartbeat";
  let count = 0;
  let last = '[2,"0","Heartbeat",{}]';

  function valid(): unknown[] {
    // Transactions and readings are where money is: they come more often than their share.
    const action = chance.happens(0.35)
      ? pick(fromStation.filter((name) => /Transaction|MeterValues|StatusNot|Boot|Authorize/.test(name)))
      : pick(chance.happens(0.97) ? fromStation : actions);
    return [2, String(++count), action, generate(chance, schema(action, "Request")) as Payload];
  }

  return {
    next() {
      const frame = valid();
      const kind = chance.between(0, 99);
      if (kind < 25) last = JSON.stringify(frame);
      else if (kind < 75)
        last = JSON.stringify([...frame.slice(0, 3), mutatePayload(chance, frame[3] as Payload)]);
      else if (kind < 83) last = JSON.stringify(mutateShape(chance, frame));
      else if (kind < 95) last = mutateText(chance, JSON.stringify(frame));
      else if (kind < 98) last = rawText(chance);
      // Otherwise the same frame again: stations repeat what they got no answer to.
      if (last.length > OCPP_FRAME_BYTES_MAX) last = last.slice(0, OCPP_FRAME_BYTES_MAX);
      return last;
    },
    ours() {
      const action = pick(ours);
      return { action, payload: generate(chance, schema(action, "Request")) as Payload };
    },
    answer(messageId, action) {
      const payload = generate(chance, schema(action, "Response")) as Payload;
      const kind = chance.between(0, 9);
      if (kind < 4) return JSON.stringify([3, messageId, payload]);
      if (kind < 7) return JSON.stringify([3, messageId, mutatePayload(chance, payload)]);
      if (kind < 8) return JSON.stringify([4, messageId, "FormationViolation", "", {}]);
      const answer = JSON.stringify([3, messageId, payload]);
      return kind < 9
        ? answer.slice(0, -chance.between(1, 3))
        : JSON.stringify(mutateShape(chance, [3, messageId, payload]));
    },
  };
}
