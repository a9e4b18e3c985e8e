/** Schema helpers shared by the wire, the commands and the API. */
import { Type, type TUnsafe } from "typebox";

/** One of a few words: `enum` in JSON Schema, a union of literals in TypeScript. */
export function OneOf<const T extends string>(words: readonly T[]): TUnsafe<T> {
  return Type.Unsafe<T>({ type: "string", enum: [...words] });
}
