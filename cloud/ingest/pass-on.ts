/**
 * Messages of stations that somebody behind the SG has to answer: certificates of cars (ISO 15118), states of
 * certificates, tax numbers.
 *
 * They go as they are to one HTTPS service that the operator names (SG_PASS_ON_URL): `POST {erId, stationId,
 * protocol, action, payload}` → `{payload}`, the payload of the CALLRESULT. Without a service, or without an
 * answer in time, nobody could say; the ER answers the station so.
 */
import type { Question } from "../../shared/wire.ts";
import { describeError } from "../../shared/errors.ts";
import { PASS_ON_DEADLINE_MS, PASS_ON_UNDER_WAY_MAX } from "../../shared/limits.ts";

type OcppQuestion = Extract<Question, { kind: "ocpp" }>;
type AuthorizeQuestion = Extract<Question, { kind: "authorize" }>;

export type PassOn = ((
  erId: string,
  question: OcppQuestion,
) => Promise<Record<string, unknown> | undefined>) & {
  /** What the service says of a contract certificate, in the words of OCPP 2.x. */
  certificate(erId: string, question: AuthorizeQuestion): Promise<string | undefined>;
};

const ANSWER_BYTES_MAX = 64 * 1024;

export const passOnNothing: PassOn = Object.assign(async () => undefined, {
  certificate: async () => undefined,
});

/** @param url of the service; http is taken too, for one on the same machine. */
export function createPassOn(
  url: string,
  onLog: (level: "warn", message: string, fields: Record<string, unknown>) => void,
): PassOn {
  let underWay = 0;

  async function post(body: object): Promise<Record<string, unknown> | undefined> {
    underWay += 1;
    try {
      if (underWay > PASS_ON_UNDER_WAY_MAX)
        throw new Error(`it owes ${PASS_ON_UNDER_WAY_MAX} answers already`);
      const reply = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        redirect: "error",
        // The ER gives up soon after.
        signal: AbortSignal.timeout(PASS_ON_DEADLINE_MS - 1_000),
      });
      const text = await reply.text();
      if (!reply.ok) throw new Error(`it answered ${reply.status}`);
      if (text.length > ANSWER_BYTES_MAX) throw new Error(`its answer has ${text.length} characters`);
      const answer = JSON.parse(text) as Record<string, unknown> | null;
      return typeof answer === "object" && answer !== null ? answer : undefined;
    } catch (error) {
      onLog("warn", "the service behind SG_PASS_ON_URL did not answer", { reason: describeError(error) });
      return undefined;
    } finally {
      underWay -= 1;
    }
  }

  const passOn = async (erId: string, { stationId, protocol, action, payload }: OcppQuestion) => {
    const answer = (await post({ erId, stationId, protocol, action, payload }))?.["payload"];
    return typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>) : undefined;
  };
  return Object.assign(passOn, {
    async certificate(erId: string, { stationId, idToken, contract }: AuthorizeQuestion) {
      const body = { erId, stationId, action: "Authorize", payload: { idToken, ...contract } };
      const status = (await post(body))?.["certificateStatus"];
      return typeof status === "string" && status.length <= 36 ? status : undefined;
    },
  });
}
