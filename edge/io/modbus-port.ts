/**
 * Modbus RTU framing over any byte stream (a serial port, or TCP to a serial server), as a port for
 * modbus-serial.
 *
 * modbus-serial's own buffered ports keep what arrived between two requests and take it for the next answer.
 * This one keeps nothing: bytes that come while nothing was asked are dropped, each request starts with an
 * empty buffer, and only a frame with the right unit, function, length and check sum is handed on. Bytes in
 * front of it are noise. It does not open, close or time anything: the stream's owner does.
 */
import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { MODBUS_BUFFER_BYTES_MAX } from "../../shared/limits.ts";

/** CRC-16/MODBUS: polynomial 0xA001 reflected, start 0xFFFF. On the wire low byte first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

/** The frame with its check sum. */
export function withCrc(frame: Uint8Array): Buffer {
  const crc = crc16(frame);
  return Buffer.concat([frame, Buffer.from([crc & 0xff, crc >>> 8])]);
}

const EXCEPTION_BYTES = 5;

/** Where the answer to `request` (a read with function 3 or 4) begins in `bytes`, and how long it is. */
export function findAnswer(
  bytes: Buffer,
  request: Uint8Array,
): { start: number; length: number } | undefined {
  const [unit, code = 0] = request;
  const dataBytes = 2 * (((request[4] ?? 0) << 8) | (request[5] ?? 0));
  for (let start = 0; start + EXCEPTION_BYTES <= bytes.length; start++) {
    if (bytes[start] !== unit) continue;
    const isException = bytes[start + 1] === (code | 0x80);
    const isData = bytes[start + 1] === code && bytes[start + 2] === dataBytes;
    const length = isException ? EXCEPTION_BYTES : isData ? dataBytes + 5 : 0;
    const end = start + length;
    if (
      length > 0 &&
      end <= bytes.length &&
      crc16(bytes.subarray(start, end - 2)) === bytes.readUInt16LE(end - 2)
    )
      return { start, length };
  }
  return undefined;
}

/** A port in modbus-serial's sense, over an open stream. */
export class RtuPort extends EventEmitter {
  readonly #stream: Duplex;
  #request: Uint8Array | undefined;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex) {
    super();
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed && this.#stream.writable;
  }

  open(done: (error?: Error) => void): void {
    done();
  }

  close(done: (error?: Error) => void): void {
    done();
  }

  write(request: Uint8Array): void {
    this.#request = request;
    this.#buffer = Buffer.alloc(0);
    this.#stream.write(request);
  }

  #receive(chunk: Buffer): void {
    if (this.#request === undefined) return;
    this.#buffer = Buffer.concat([this.#buffer, chunk]).subarray(-MODBUS_BUFFER_BYTES_MAX);
    const answer = findAnswer(this.#buffer, this.#request);
    if (answer === undefined) return;
    this.#request = undefined;
    this.emit("data", this.#buffer.subarray(answer.start, answer.start + answer.length));
  }
}
