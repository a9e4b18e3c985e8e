/**
 * A station's diary, and its way to the CSMS: the last lines of what happened, uploaded as a text file on demand.
 *
 * One upload at a time: a new request takes the place of the old one. Bounded: the oldest lines give way.
 */
import { iso } from "./dialect.ts";
import type { Clock, Outgoing } from "./types.ts";
import type { FilePort, LogStatus } from "./upkeep.ts";

const LINES_MAX = 500;

export type LogRequest = {
  kind: "DiagnosticsLog" | "SecurityLog";
  location: string;
  requestId?: number;
  from?: number;
  to?: number;
  retries?: number;
  retryIntervalS?: number;
};

export type LogbookHost = {
  clock: Clock;
  files: FilePort | undefined;
  stationId: string;
  /** First lines of every file. */
  heading: () => string[];
  say: (message: Outgoing) => void;
};

type Line = { at: number; about: LogRequest["kind"]; text: string };

export class Logbook {
  readonly #host: LogbookHost;
  readonly #lines: Line[] = [];
  #upload: LogRequest | undefined;

  constructor(host: LogbookHost) {
    this.#host = host;
  }

  note(text: string, about: LogRequest["kind"] = "DiagnosticsLog"): void {
    this.#lines.push({ at: this.#host.clock.now(), about, text });
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  request(request: LogRequest): { status: "Accepted" | "Rejected" | "AcceptedCanceled"; fileName?: string } {
    const { files, clock, stationId } = this.#host;
    if (files === undefined) {
      // Who asked in OCPP 1.6 gets no status in the answer.
      if (request.requestId === undefined) this.#tell(request, "UploadFailure");
      return { status: "Rejected" };
    }
    const previous = this.#upload;
    if (previous !== undefined) this.#tell(previous, "AcceptedCanceled");
    this.#upload = request;
    const moment = iso(clock.now()).slice(0, 19).replaceAll(/[-:]/g, "");
    const what = request.kind === "SecurityLog" ? "security" : "diagnostics";
    const name = `${stationId.replaceAll(/[^\w.-]/g, "_")}-${what}-${moment}.log`;
    this.#send(files, request, name, this.#write(request), request.retries ?? 0);
    return { status: previous === undefined ? "Accepted" : "AcceptedCanceled", fileName: name };
  }

  /** How the upload stands, on demand. */
  repeatStatus(): void {
    if (this.#upload === undefined) this.#host.say({ kind: "logStatus", status: "Idle" });
    else this.#tell(this.#upload, "Uploading");
  }

  #write({ kind, from = -Infinity, to = Infinity }: LogRequest): string {
    const lines = this.#lines.filter(
      ({ at, about }) => at >= from && at <= to && (about === kind || kind === "DiagnosticsLog"),
    );
    return [...this.#host.heading(), ...lines.map(({ at, text }) => `${iso(at)} ${text}`), ""].join("\n");
  }

  #send(files: FilePort, request: LogRequest, name: string, text: string, retries: number): void {
    this.#tell(request, "Uploading");
    files.upload({ location: request.location, name, text }, (failure) => {
      if (this.#upload !== request) return;
      if (failure !== undefined && retries > 0) {
        this.note(`upload of ${name} failed, again soon: ${failure}`);
        this.#host.clock.setTimer((request.retryIntervalS ?? 0) * 1_000, () => {
          if (this.#upload === request) this.#send(files, request, name, text, retries - 1);
        });
        return;
      }
      this.#upload = undefined;
      this.note(failure === undefined ? `uploaded ${name}` : `upload of ${name} failed: ${failure}`);
      this.#tell(request, failure === undefined ? "Uploaded" : "UploadFailure");
    });
  }

  #tell({ requestId }: LogRequest, status: LogStatus): void {
    this.#host.say({ kind: "logStatus", status, ...(requestId === undefined ? {} : { requestId }) });
  }
}
