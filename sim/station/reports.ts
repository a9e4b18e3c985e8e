/**
 * What a station tells of itself at length, after it has said that it will: reports in numbered parts.
 *
 * Each returns how many items it is going to tell; none: nothing is said.
 */
import { inventory, select, type InventoryFilter, type InventorySource } from "./inventory.ts";
import type { ProfileFilter } from "./profiles.ts";
import type { Provisions } from "./provisions.ts";
import type { Clock, Json, Outgoing } from "./types.ts";
import type { ReportMessage, Variable } from "./upkeep.ts";

const ITEMS_PER_PART = 20;

export type ReportsHost = {
  clock: Clock;
  source: () => InventorySource;
  provisions: Provisions;
  say: (message: Outgoing) => void;
};

type Content = ReportMessage extends infer M
  ? M extends ReportMessage
    ? Omit<M, "kind" | "requestId" | "seqNo" | "last" | "at">
    : never
  : never;

export class Reports {
  readonly #host: ReportsHost;

  constructor(host: ReportsHost) {
    this.#host = host;
  }

  variables(): Variable[] {
    return inventory(this.#host.source());
  }

  tellVariables(requestId: number, filter: InventoryFilter): number {
    const items = select(this.variables(), filter);
    this.#tell(
      requestId,
      parts(items).map((part) => ({ of: "variables", items: part })),
    );
    return items.length;
  }

  /** A message tells the profiles of one EVSE. */
  tellProfiles(requestId: number, filter: ProfileFilter): number {
    const items = this.#host.provisions.profiles.find(filter);
    const evseIds = [...new Set(items.map(({ evseId }) => evseId))];
    this.#tell(
      requestId,
      evseIds.map((evseId) => ({
        of: "profiles",
        evseId,
        items: items.filter((each) => each.evseId === evseId),
      })),
    );
    return items.length;
  }

  tellDisplayMessages(requestId: number, matches: (id: number, message: Json) => boolean): number {
    const found = this.#host.provisions.displayMessages.all.filter(([id, item]) => matches(id, item));
    const items = found.map(([, item]) => item);
    this.#tell(
      requestId,
      parts(items).map((part) => ({ of: "displayMessages", items: part })),
    );
    return items.length;
  }

  tellMonitors(requestId: number, matches: (monitor: Json) => boolean): number {
    const found = this.#host.provisions.monitors.all.filter(([, item]) => matches(item));
    const items = found.map(([id, item]) => ({ ...item, id }));
    this.#tell(
      requestId,
      parts(items).map((part) => ({ of: "monitors", items: part })),
    );
    return items.length;
  }

  tellCustomer(requestId: number, text: string): void {
    this.#tell(requestId, [{ of: "customer", items: [text] }]);
  }

  #tell(requestId: number, contents: Content[]): void {
    const at = this.#host.clock.now();
    contents.forEach((content, seqNo) => {
      const last = seqNo === contents.length - 1;
      this.#host.say({ kind: "report", requestId, seqNo, last, at, ...content });
    });
  }
}

function parts<Item>(items: Item[]): Item[][] {
  const count = Math.ceil(items.length / ITEMS_PER_PART);
  return Array.from({ length: count }, (_, index) =>
    items.slice(index * ITEMS_PER_PART, (index + 1) * ITEMS_PER_PART),
  );
}
