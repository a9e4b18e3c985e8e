/** Words of flags: what was remarkable about a message or a transaction. */
import { readFlag } from "../../../shared/ocpp/tolerance.ts";
import { useCode } from "./words.ts";

/** A flag of a message in words; one that we have none for is shown as it is. */
export function useFlag(): (flag: string) => { word: string; hint: string } {
  const code = useCode();
  return (flag) => {
    const tolerated = readFlag(flag);
    const word = tolerated === undefined ? code("flag", flag) : code("tolerance", tolerated.id);
    const hint = tolerated === undefined ? code("flagHint", flag) : code("toleranceHint", tolerated.id);
    const detail = tolerated?.detail === undefined ? "" : ` (${tolerated.detail})`;
    return { word: `${word ?? flag}${detail}`, hint: hint ?? flag };
  };
}
