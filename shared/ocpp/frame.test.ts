/**
 * Frames as stations send them, well-formed and hostile: every text becomes a frame or `malformed`,
 * none throws.
 */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import { OCPP_FRAME_BYTES_MAX, OCPP_MESSAGE_ID_LENGTH_TOLERATED } from "../limits.ts";
import {
  callText,
  errorCodeText,
  errorText,
  parseFrame,
  readErrorCode,
  resultText,
  type RpcErrorCode,
} from "./frame.ts";

describe("a well-formed frame", () => {
  test("CALL, with blanks between the elements", () => {
    const frame = parseFrame('[2, "12" , "Heartbeat",\n {} ]');
    expect(frame).toEqual({ type: "call", messageId: "12", action: "Heartbeat", payload: {} });
  });

  test("CALLRESULT", () => {
    const frame = parseFrame('[3,"a",{"status":"Accepted"}]');
    expect(frame).toEqual({ type: "result", messageId: "a", payload: { status: "Accepted" } });
  });

  test("CALLERROR, complete and without description and details", () => {
    const complete = parseFrame('[4,"a","NotSupported","no such thing",{"x":1}]');
    const description = "no such thing";
    expect(complete).toEqual({
      type: "error",
      messageId: "a",
      code: "NotSupported",
      description,
      details: { x: 1 },
    });
    expect(parseFrame('[4,"a"]')).toMatchObject({ type: "error", code: "GenericError", description: "" });
  });

  test("a message id longer than the standard allows still gets an answer", () => {
    const id = "x".repeat(OCPP_MESSAGE_ID_LENGTH_TOLERATED);
    expect(parseFrame(`[2,"${id}","Heartbeat",{}]`)).toMatchObject({ type: "call", messageId: id });
    expect(parseFrame(`[2,"${id}x","Heartbeat",{}]`)).toMatchObject({
      type: "malformed",
      messageId: undefined,
    });
  });

  test("what is written is read again", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 60 }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (id, body) => {
          const payload = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
          expect(parseFrame(callText(id, "Act", payload))).toEqual({
            type: "call",
            messageId: id,
            action: "Act",
            payload,
          });
          expect(parseFrame(resultText(id, payload))).toEqual({ type: "result", messageId: id, payload });
        },
      ),
    );
  });
});

describe("a hostile frame", () => {
  const cases: [
    name: string,
    text: string,
    code: RpcErrorCode,
    messageId: string | undefined,
    answerable: boolean,
  ][] = [
    ["a CALL of three elements", '[2,"1","Heartbeat"]', "FormatViolation", "1", true],
    ["a CALL of five elements", '[2,"1","Heartbeat",{},{}]', "FormatViolation", "1", true],
    ["a number as action", '[2,"1",7,{}]', "FormatViolation", "1", true],
    ["an empty action", '[2,"1","",{}]', "FormatViolation", "1", true],
    ["an action without end", `[2,"1","${"A".repeat(65)}",{}]`, "FormatViolation", "1", true],
    ["a list as payload", '[2,"1","Heartbeat",[]]', "FormatViolation", "1", true],
    ["null as payload", '[2,"1","Heartbeat",null]', "FormatViolation", "1", true],
    ["a result that is a list", '[3,"1",[]]', "FormatViolation", "1", false],
    ["a result without payload", '[3,"1"]', "FormatViolation", "1", false],
    ["a number as id", '[2,1,"Heartbeat",{}]', "RpcFrameworkError", undefined, false],
    ["an empty id", '[2,"","Heartbeat",{}]', "RpcFrameworkError", undefined, false],
    ["an empty id in a result", '[3,"",{}]', "RpcFrameworkError", undefined, false],
    ["an object", '{"a":1}', "RpcFrameworkError", undefined, false],
    ["a number", "17", "RpcFrameworkError", undefined, false],
    ["null", "null", "RpcFrameworkError", undefined, false],
    ["an empty list", "[]", "RpcFrameworkError", undefined, false],
    ["nothing", "", "RpcFrameworkError", undefined, false],
    ["an unknown message type", '[7,"1",{}]', "MessageTypeNotSupported", "1", true],
    ["a message type as text", '["2","1","Heartbeat",{}]', "MessageTypeNotSupported", "1", true],
    ["truncated JSON of a call", '[2,"7","MeterValues",{"connectorId":[', "RpcFrameworkError", "7", true],
    ["truncated JSON of a result", '[3,"7",{"configurationKey":[]', "RpcFrameworkError", "7", false],
    [
      "a stray comma",
      '[2,"7","MeterValues",{"sampledValue":[,{"value":"1"}]}]',
      "RpcFrameworkError",
      "7",
      true,
    ],
    ["a value left out", '[2, "7","MeterValues",{"transactionId":,"a":1}]', "RpcFrameworkError", "7", true],
  ];
  test.each(cases)("%s is told apart", (_name, text, code, messageId, answerable) => {
    expect(parseFrame(text)).toMatchObject({ type: "malformed", code, messageId, answerable });
  });

  test("100 000 levels within one frame neither crash nor are believed", () => {
    const levels = 100_000;
    const lists = `[2,"1","DataTransfer",{"data":${"[".repeat(levels)}${"]".repeat(levels)}}]`;
    expect(lists.length).toBeLessThan(OCPP_FRAME_BYTES_MAX);
    expect(parseFrame(lists)).toMatchObject({
      type: "malformed",
      code: "FormatViolation",
      messageId: "1",
      answerable: true,
    });
    const objects = `[4,"1",${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}]`;
    expect(parseFrame(objects)).toMatchObject({ type: "malformed", messageId: "1", answerable: false });
    expect(parseFrame(`[2,"1","DataTransfer",{"data":${"[".repeat(levels)}`)).toMatchObject({
      type: "malformed",
    });
  });

  test("a list that fills the frame is only long, not wrong", () => {
    const text = `[2,"1","DataTransfer",{"data":[${"1,".repeat(130_000)}1]}]`;
    expect(text.length).toBeLessThanOrEqual(OCPP_FRAME_BYTES_MAX);
    expect(parseFrame(text).type).toBe("call");
  });

  test("objects where an error has its texts do not throw, whatever they call themselves", () => {
    const evil = '{"toString":1,"valueOf":2}';
    expect(parseFrame(`[4,"1",${evil},${evil},${evil}]`)).toMatchObject({ type: "error", messageId: "1" });
    expect(parseFrame(`[${evil},"1",${evil}]`)).toMatchObject({ type: "malformed", messageId: "1" });
    expect(parseFrame('[4,"1",[[[]]],{"a":1}]')).toMatchObject({ type: "error", messageId: "1" });
  });

  test("any text and any JSON becomes a frame, and never throws", () => {
    const almost = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.jsonValue(), fc.jsonValue(), fc.jsonValue());
    fc.assert(
      fc.property(almost, fc.string({ unit: "binary" }), (list, text) => {
        expect(["call", "result", "error", "malformed"]).toContain(parseFrame(JSON.stringify(list)).type);
        expect(parseFrame(text).type).toBe("malformed");
        expect(["call", "malformed"]).toContain(parseFrame(`[2,"1",${text}`).type);
      }),
    );
  });
});

describe("error codes", () => {
  test("are written as each version spells them", () => {
    expect(errorCodeText("ocpp1.6", "FormatViolation")).toBe("FormationViolation");
    expect(errorCodeText("ocpp2.0.1", "FormatViolation")).toBe("FormatViolation");
    expect(errorCodeText("ocpp1.6", "OccurrenceConstraintViolation")).toBe("OccurenceConstraintViolation");
    expect(errorCodeText("ocpp2.0.1", "OccurrenceConstraintViolation")).toBe("OccurrenceConstraintViolation");
    expect(errorCodeText("ocpp1.6", "RpcFrameworkError")).toBe("FormationViolation");
    expect(errorCodeText("ocpp1.6", "MessageTypeNotSupported")).toBe("ProtocolError");
    expect(errorCodeText("ocpp1.6", "NotImplemented")).toBe("NotImplemented");
  });

  test("are read in both spellings", () => {
    expect(readErrorCode("FormationViolation")).toBe("FormatViolation");
    expect(readErrorCode("OccurenceConstraintViolation")).toBe("OccurrenceConstraintViolation");
    expect(parseFrame('[4,"1","FormationViolation","",{}]')).toMatchObject({ code: "FormatViolation" });
  });

  test("a description is never longer than the standard's 255 characters", () => {
    const text = errorText("ocpp1.6", "1", "GenericError", "x".repeat(1_000));
    expect((JSON.parse(text) as string[])[3]).toHaveLength(255);
    expect(JSON.parse(text)).toHaveLength(5);
  });
});
