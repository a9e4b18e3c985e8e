/**
 * Who may knock at the file servers how often: sockets per address, wrong secrets per address and minute.
 */
import type { Socket } from "node:net";
import {
  FILE_SOCKETS_MAX,
  FILE_SOCKETS_PER_ADDRESS_MAX,
  OCPP_AUTH_FAILURES_PER_MIN,
} from "../../shared/limits.ts";

const ADDRESSES_MAX = 10_000;

/** An IPv4 address as it is written, also where the socket speaks IPv6. */
export const plainAddress = (address: string | undefined): string => (address ?? "").replace(/^::ffff:/i, "");

/** For a URL: IPv6 in brackets. */
export function urlHost(address: string): string {
  const plain = plainAddress(address);
  return plain.includes(":") ? `[${plain.replace(/%.*$/, "")}]` : plain;
}

export type Guard = ReturnType<typeof createGuard>;

export function createGuard(nowMs: () => number = () => performance.now()) {
  const sockets = new Set<Socket>();
  const perAddress = new Map<string, number>();
  const failures = new Map<string, { count: number; sinceMs: number }>();

  return {
    /** @returns false: it was one too many and is gone. */
    admit(socket: Socket): boolean {
      const address = plainAddress(socket.remoteAddress);
      const here = perAddress.get(address) ?? 0;
      if (sockets.size >= FILE_SOCKETS_MAX || here >= FILE_SOCKETS_PER_ADDRESS_MAX) {
        socket.destroy();
        return false;
      }
      sockets.add(socket);
      perAddress.set(address, here + 1);
      socket.once("close", () => {
        sockets.delete(socket);
        const left = (perAddress.get(address) ?? 1) - 1;
        if (left > 0) perAddress.set(address, left);
        else perAddress.delete(address);
      });
      return true;
    },

    blocked(rawAddress: string | undefined): boolean {
      const entry = failures.get(plainAddress(rawAddress));
      return (
        entry !== undefined && nowMs() - entry.sinceMs < 60_000 && entry.count >= OCPP_AUTH_FAILURES_PER_MIN
      );
    },

    failed(rawAddress: string | undefined): void {
      const address = plainAddress(rawAddress);
      const entry = failures.get(address);
      const fresh = entry !== undefined && nowMs() - entry.sinceMs < 60_000;
      failures.set(address, fresh ? { ...entry, count: entry.count + 1 } : { count: 1, sinceMs: nowMs() });
      if (failures.size > ADDRESSES_MAX) failures.delete(failures.keys().next().value ?? "");
    },

    closeAll(): void {
      for (const socket of sockets) socket.destroy();
    },
  };
}
