/** `{[key]: value}` when there is a value, nothing otherwise: absent stays absent (exactOptionalPropertyTypes). */
export function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** The value when it is text. */
export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
