/**
 * Where an outgoing webhook may go: to a public address, over https, and nowhere else. An operator names the
 * address, our servers call it: without this they would call what only they can reach (SSRF).
 *
 * The name is resolved here, every address that it has is looked at, and the socket is opened to one of these
 * very addresses: a name that changes its mind between the look and the call (DNS rebinding) changes nothing.
 */
import { lookup as dnsLookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { AppError } from "../shared/errors.ts";

export type Address = { address: string; family: number };
export type Resolve = (hostname: string) => Promise<Address[]>;

export const resolveAll: Resolve = (hostname) => dnsLookup(hostname, { all: true, verbatim: true });

/** Answers for Azure's machines only, and looks public. */
const METADATA = new Set(["168.63.129.16"]);

/** Whether everybody can reach it: nothing private, local, reserved, translated or for many. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // An IPv4 address in IPv6's clothes is the IPv4 address.
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast" || METADATA.has(parsed.toString())) return false;
  // Of IPv6 only what is given out to the public: not ::a.b.c.d, nor what has no name yet.
  return parsed.kind() === "ipv4" || parsed.match(ipaddr.parseCIDR("2000::/3"));
}

/** The host of a URL without the brackets of IPv6. */
const hostOf = (url: URL) => url.hostname.replace(/^\[|\]$/g, "");

/** Why an address cannot be used, or undefined. What its name resolves to is looked at when it is called. */
export function refusalOf(text: string, allowPrivate: boolean): string | undefined {
  if (!URL.canParse(text)) return "it is not an address";
  const url = new URL(text);
  if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:"))
    return "it must begin with https://";
  if (url.username !== "" || url.password !== "") return "it must not hold a user or a password";
  if (url.hash !== "") return "it must not hold a #fragment";
  const host = hostOf(url);
  if (allowPrivate) return undefined;
  if (isIP(host) !== 0) return isPublicAddress(host) ? undefined : `${host} is not a public address`;
  // No public name is without a dot, and these names lead inside.
  if (!host.includes(".") || /\.(localhost|local|internal|home\.arpa)\.?$/.test(host))
    return `${host} is not a public name`;
  return undefined;
}

/** For a request's `lookup`: the addresses of a name, if all of them are public. */
export function guardedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const inside = addresses.find(({ address }) => !allowPrivate && !isPublicAddress(address));
        const [first] = addresses;
        if (inside !== undefined || first === undefined) {
          const what = inside === undefined ? "no address" : `${inside.address}, which is not public`;
          callback(new AppError("TARGET_REFUSED", `${hostname} resolves to ${what}`), "", 0);
        } else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as Error, "", 0),
    );
  };
}
