/** What the core and its shell say to each other of files. */

export type FileProtocol = "http" | "ftp";

/** Firmware to be fetched for a station, or a place for what it uploads. */
export type WantedFile =
  | {
      kind: "firmware";
      transfer: { url: string; token: string; sha256: string; size: number; name: string };
    }
  | { kind: "upload"; transfer: { url: string; token: string } };

export type FileInput =
  /** What `files.prepare` asked for is at the box: the address for the station; or it could not be had. */
  | { kind: "files.ready"; commandId: string; location: string }
  | { kind: "files.failed"; commandId: string; reason: string }
  /** A station has left a file, or one that it left lies here at a start. */
  | {
      kind: "files.received";
      uploadId: string;
      stationId: string;
      commandId?: string;
      name: string;
      bytes: number;
      sha256: string;
    }
  /** It need not be kept any more. */
  | { kind: "files.forwarded"; uploadId: string; result: "complete" | "unwanted" | "damaged" };

export type FileEffect =
  /** Answered with `files.ready` or `files.failed`. */
  | {
      kind: "files.prepare";
      commandId: string;
      stationId: string;
      /** The address is the box's, as it is seen from here. */
      connectionId: number;
      protocol: FileProtocol;
      withinMs: number;
      wanted: WantedFile;
    }
  /** It is journalled what became of this upload: the box needs it no more. */
  | { kind: "files.drop"; uploadId: string };
