/** `docs/stations.md`, made from the quirk table. A test holds the file against it and writes it anew with `-u`. */
import { QUIRKS, type Quirk } from "./quirks.ts";
import { TOLERANCES } from "./tolerance.ts";

const HEAD = `# Stations in the field

What real stations were seen to do, and what this system does then. Made from \`shared/ocpp/quirks.ts\`.

- **Reading is tolerant, writing is strict.** A message that the official schema allows is read as it is. One that
  breaks it is mended where what was meant is beyond doubt, checked again, and handled; otherwise it is answered
  with an error. Nothing that breaks the standard is ever sent.
- **Nothing is hidden.** The journal keeps every frame byte for byte. What was tolerated stands beside it as the flag
  \`tolerated:<name>\`, and the timeline of the station says it in words.
- **One reading.** The ER and the SG read a frame by the same function with the same flags, so they see the same
  facts, also when a journal is read again.
- **Tolerance is for everybody.** Nobody can list who will make the same mistake next. Only what has to be *done*
  differently is keyed by vendor, model and firmware, as the station gave them in its BootNotification.

## What a station needs before it has said what it is

In the configuration of the ER:

\`\`\`toml
[[ocpp.quirks]]
station = "CP-7"
assume_protocol = "ocpp1.6"      # it offers no Sec-WebSocket-Protocol
ping = false                     # it cannot bear WebSocket pings
time_zone = "America/Sao_Paulo"  # it writes its local time without a zone
\`\`\`

`;

const cell = (text: string): string => text.replaceAll("|", "\\|");
const linkOf = (url: string): string => {
  const [, , , owner, repository, , number] = url.split("/");
  const name = [owner, repository].filter((part) => part !== undefined).join("/");
  return `[${number === undefined ? name : `${repository ?? ""}#${number}`}](${url})`;
};

function rowOf(quirk: Quirk): string {
  const flags = (quirk.tolerances ?? []).map((id) => `\`${id}\``).join(", ");
  const source = quirk.source.map(linkOf).join(", ");
  const cells = [quirk.make, `${quirk.observation} (${source || "seen on the wire"})`, quirk.handling, flags];
  return `| \`${quirk.id}\` | ${cells.map(cell).join(" | ")} |`;
}

export function stationsPage(): string {
  const keyed = QUIRKS.filter((quirk) => quirk.habits !== undefined);
  const rows = [
    "## The table",
    "",
    `${QUIRKS.length} rows; each has a test with what was observed.`,
    "",
    "| row | station | what it does | what happens then | in the timeline |",
    "|---|---|---|---|---|",
    ...QUIRKS.map(rowOf),
    "",
    "## Done for some stations only",
    "",
    "| row | vendor | model | habit |",
    "|---|---|---|---|",
    ...keyed.map(
      ({ id, vendor, model, habits }) =>
        `| \`${id}\` | \`${vendor?.source ?? "any"}\` | \`${model?.source ?? "any"}\` | \`${Object.entries(
          habits ?? {},
        )
          .map(([name, value]) => (value === true ? name : `${name} = ${String(value)}`))
          .join(", ")}\` |`,
    ),
    "",
    "## Words of the timeline",
    "",
    "| `tolerated:` | what was done |",
    "|---|---|",
    ...Object.entries(TOLERANCES).map(([id, text]) => `| \`${id}\` | ${cell(text)} |`),
    "",
  ];
  return HEAD + rows.join("\n");
}
