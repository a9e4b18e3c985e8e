/**
 * A station's firmware: what it runs, and how it gets another one.
 *
 *   (scheduled) → downloading → downloaded → (signature) → (scheduled) → waiting for idle EVSEs → installing
 *               → restart → installed
 *
 * Until it installs, a new request takes the place of the old one. What is installed is the file's own word: its
 * first line if it reads like a version, else its name. A signature is really checked, the chain above its
 * certificate is not: the station knows no manufacturer.
 */
import { constants, verify, X509Certificate } from "node:crypto";
import type { Clock, Outgoing } from "./types.ts";
import type { FilePort, FirmwareStatus } from "./upkeep.ts";

const VERSION_AT_DELIVERY = "1.0.0";
const VERSION_LENGTH_MAX = 50;
const TIMER_MS_MAX = 86_400_000;

export type FirmwareRequest = {
  location: string;
  requestId?: number;
  retrieveAt: number;
  installAt?: number;
  retries?: number;
  retryIntervalS?: number;
  signed?: { certificate: string; signature: string };
};

export type FirmwareHost = {
  clock: Clock;
  files: FilePort | undefined;
  /** How long it takes to install. */
  installMs: number;
  /** No EVSE has a transaction. */
  idle: () => boolean;
  restart: () => void;
  note: (text: string) => void;
  say: (message: Outgoing) => void;
};

type Stage = "fetching" | "waiting" | "installing" | "installed" | "rebooting";
type Job = FirmwareRequest & { stage: Stage; newVersion: string };
/** From here on there is no way back. */
const BEGUN: readonly (Stage | undefined)[] = ["installing", "installed", "rebooting"];

export class Firmware {
  version = VERSION_AT_DELIVERY;
  readonly #host: FirmwareHost;
  #job: Job | undefined;
  #told: FirmwareStatus = "Idle";

  constructor(host: FirmwareHost) {
    this.#host = host;
  }

  update(request: FirmwareRequest): "Accepted" | "Rejected" | "AcceptedCanceled" | "InvalidCertificate" {
    if (request.signed !== undefined && readCertificate(request.signed.certificate) === undefined) {
      return "InvalidCertificate";
    }
    const { files } = this.#host;
    const previous = this.#job;
    if (files === undefined || BEGUN.includes(previous?.stage)) {
      // Who asked in OCPP 1.6 gets no status in the answer.
      if (request.requestId === undefined) this.#tell(request, "DownloadFailed");
      return "Rejected";
    }
    const job: Job = { ...request, stage: "fetching", newVersion: "" };
    this.#job = job;
    this.#at(job, request.retrieveAt, "DownloadScheduled", () =>
      this.#fetch(files, job, request.retries ?? 0),
    );
    return previous === undefined ? "Accepted" : "AcceptedCanceled";
  }

  /** Perhaps no EVSE is busy any more. */
  review(): void {
    const job = this.#job;
    if (job === undefined || !this.#host.idle()) return;
    if (job.stage === "waiting") this.#install(job);
    else if (job.stage === "installed") this.#restart(job);
  }

  /** The CSMS has accepted the registration. */
  booted(): void {
    const job = this.#job;
    if (job?.stage !== "rebooting") return;
    this.#job = undefined;
    this.#tell(job, "Installed");
  }

  /** How the update stands, on demand. */
  repeatStatus(): void {
    if (this.#job === undefined) this.#host.say({ kind: "firmwareStatus", status: "Idle" });
    else this.#tell(this.#job, this.#told);
  }

  /** Now, or when its time has come; then it is said before that it is planned. */
  #at(job: Job, at: number, planned: FirmwareStatus, act: () => void): void {
    const { clock } = this.#host;
    const wait = () => {
      if (this.#job !== job) return;
      const left = at - clock.now();
      if (left > 0) clock.setTimer(Math.min(left, TIMER_MS_MAX), wait);
      else act();
    };
    if (at > clock.now()) this.#tell(job, planned);
    wait();
  }

  #fetch(files: FilePort, job: Job, retries: number): void {
    this.#tell(job, "Downloading");
    files.download(job.location, (file) => {
      if (this.#job !== job) return;
      if (file instanceof Uint8Array) return this.#downloaded(job, file);
      this.#host.note(`download of firmware failed: ${file.failure}`);
      if (retries > 0) {
        this.#host.clock.setTimer((job.retryIntervalS ?? 0) * 1_000, () => {
          if (this.#job === job) this.#fetch(files, job, retries - 1);
        });
        return;
      }
      this.#job = undefined;
      this.#tell(job, "DownloadFailed");
    });
  }

  #downloaded(job: Job, file: Uint8Array): void {
    this.#tell(job, "Downloaded");
    if (job.signed !== undefined && !signatureHolds(file, job.signed)) {
      this.#job = undefined;
      return this.#tell(job, "InvalidSignature");
    }
    if (job.signed !== undefined) this.#tell(job, "SignatureVerified");
    job.newVersion = versionOf(file, job.location);
    this.#at(job, job.installAt ?? 0, "InstallScheduled", () => {
      job.stage = "waiting";
      if (!this.#host.idle()) this.#tell(job, "InstallScheduled");
      this.review();
    });
  }

  #install(job: Job): void {
    job.stage = "installing";
    this.#tell(job, "Installing");
    this.#host.clock.setTimer(this.#host.installMs, () => {
      // Somebody may have begun to charge in the meantime.
      job.stage = "installed";
      this.review();
    });
  }

  #restart(job: Job): void {
    job.stage = "rebooting";
    this.version = job.newVersion;
    this.#tell(job, "InstallRebooting");
    this.#host.restart();
  }

  #tell({ requestId }: FirmwareRequest, status: FirmwareStatus): void {
    this.#told = status;
    this.#host.note(`firmware: ${status}`);
    this.#host.say({ kind: "firmwareStatus", status, ...(requestId === undefined ? {} : { requestId }) });
  }
}

/** `2.4.1` out of a file that begins so, else `box-2.4.1` of `http://…/box-2.4.1.bin`. */
function versionOf(file: Uint8Array, location: string): string {
  const [line = ""] = new TextDecoder().decode(file.subarray(0, 200)).split(/\r?\n/);
  if (/^[\w.+-]*\d[\w.+-]*$/.test(line)) return line.slice(0, VERSION_LENGTH_MAX);
  const name = URL.canParse(location) ? (new URL(location).pathname.split("/").at(-1) ?? "") : "";
  return name.replace(/\.[A-Za-z]\w*$/, "").slice(0, VERSION_LENGTH_MAX) || "unnamed";
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** RSA-PSS or ECDSA over SHA-256, in base64, as OCPP wants it. */
function signatureHolds(file: Uint8Array, signed: { certificate: string; signature: string }): boolean {
  const key = readCertificate(signed.certificate)?.publicKey;
  if (key === undefined) return false;
  const padding = key.asymmetricKeyType === "rsa" ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  try {
    return verify("sha256", file, { key, ...padding }, Buffer.from(signed.signature, "base64"));
  } catch {
    return false;
  }
}
