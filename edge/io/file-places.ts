/**
 * Places at the box that stations are told of: capabilities. Who knows the token may read one firmware, or leave
 * files, for a day. Bounded in number; kept over a restart, because a station may come late.
 */
import { createHash, randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { FILE_PLACE_MS, FILE_PLACES_MAX } from "../../shared/limits.ts";
import { readDocs, writeJson, type OnLog } from "./file-write.ts";

/** Where bytes go to or come from in the cloud: an address and what lets us in. */
export type Transfer = { url: string; token: string };

export type Place = {
  /** The user of FTP. */
  placeId: string;
  /** In the path of HTTP; the password of FTP. */
  token: string;
  stationId: string;
  commandId?: string;
  createdAt: number;
} & ({ kind: "firmware"; sha256: string; name: string } | { kind: "upload"; transfer: Transfer });

export type UploadPlace = Extract<Place, { kind: "upload" }>;

type Bare<P> = P extends unknown ? Omit<P, "placeId" | "token" | "createdAt"> : never;
export type NewPlace = Bare<Place>;

/** Secrets are looked up by their hash: how long that takes tells nothing of them. */
const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** @throws what the file system says when the folder cannot be made or read. */
export function openPlaces(folder: string, now: () => number, onLog: OnLog) {
  /** Oldest first. */
  const places = new Map(
    [...readDocs<Place>(folder, onLog)].sort(([, a], [, b]) => a.createdAt - b.createdAt),
  );
  const idByToken = new Map([...places.values()].map((place) => [digest(place.token), place.placeId]));
  const isOpen = (place: Place) => Math.abs(now() - place.createdAt) < FILE_PLACE_MS;

  async function drop(placeId: string): Promise<void> {
    idByToken.delete(digest(places.get(placeId)?.token ?? ""));
    places.delete(placeId);
    await rm(join(folder, `${placeId}.json`), { force: true });
  }

  return {
    /** Those that stations may still come to. */
    open: (): Place[] => [...places.values()].filter(isOpen),

    /** Makes a place that a station can be told of. */
    async make(place: NewPlace): Promise<Place> {
      for (const old of [...places.values()].filter((p) => !isOpen(p))) await drop(old.placeId);
      while (places.size >= FILE_PLACES_MAX) await drop([...places.keys()][0] ?? "");
      const secrets = { placeId: randomBytes(8).toString("hex"), token: randomBytes(20).toString("hex") };
      const made: Place = { ...place, ...secrets, createdAt: now() };
      await writeJson(folder, made.placeId, made);
      places.set(made.placeId, made);
      idByToken.set(digest(made.token), made.placeId);
      return made;
    },

    /** The place of a token, while it is open. */
    of(token: string): Place | undefined {
      const place = places.get(idByToken.get(digest(token)) ?? "");
      return place !== undefined && isOpen(place) ? place : undefined;
    },
  };
}
