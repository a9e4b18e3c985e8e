/** One line of the OCPP timeline, and the frames behind it. */
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Message } from "../../api/schemas.ts";
import { prettyJson } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { MESSAGE_LOOK, messageState, type MessageState } from "../lib/state.ts";
import { useFlag } from "../lib/flag-words.ts";
import { TONE_TEXT } from "./badge.tsx";
import { CopyButton } from "./copy.tsx";
import { Icon } from "./icon.tsx";

/** These words stand beside the icon: what was not handled as usual must be seen without opening it. */
const MARKED: ReadonlySet<MessageState> = new Set(["rejected", "failed"]);

export function MessageRow({ message, timeZone }: { message: Message; timeZone: string | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const inWords = useFlag();
  const [open, setOpen] = useState(false);
  const state = messageState(message);
  const { icon, tone } = MESSAGE_LOOK[state];
  const at = Date.parse(message.at);
  const word = t(`messageState.${state}`);
  const marked = MARKED.has(state);
  return (
    <li className={`lazy-row ${marked ? (tone === "red" ? "bg-red-soft" : "bg-amber-soft") : ""}`}>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex min-h-11 w-full items-center gap-3 px-3 py-1.5 text-left -outline-offset-2
          hover:bg-raised sm:px-4"
      >
        <Icon name={icon} className={`size-4 ${TONE_TEXT[tone]}`} />
        <time
          dateTime={message.at}
          title={format.instant(at, timeZone)}
          className="w-[4.25rem] shrink-0 text-[0.8125rem] text-ink-2"
        >
          {format.time(at, timeZone)}
        </time>
        <span className="flex min-w-0 flex-1 items-baseline gap-x-2.5 max-sm:flex-wrap">
          <span className="shrink-0 font-medium break-all max-sm:shrink">{message.action ?? word}</span>
          {marked ? (
            <span className={`shrink-0 text-[0.8125rem] font-medium ${TONE_TEXT[tone]}`}>{word}</span>
          ) : (
            message.action !== null && <span className="sr-only">{word}</span>
          )}
          <span className="min-w-0 truncate text-[0.8125rem] max-sm:w-full text-ink-2">
            {message.reason ?? preview(message)}
          </span>
        </span>
        {message.flags.map((flag) => (
          <span
            key={flag}
            className="hidden rounded bg-raised px-1.5 text-xs text-ink-2 sm:inline"
            title={inWords(flag).hint}
          >
            {inWords(flag).word}
          </span>
        ))}
        <Icon
          name="chevron"
          className={`size-3.5 text-ink-3 transition-transform ${open ? "rotate-90" : ""}`}
        />
      </button>
      {open && <Frames message={message} />}
    </li>
  );
}

/** The first words of the payload, where there is one. */
function preview({ request }: Message): string {
  if (request === null) return "";
  const payload =
    /^\s*\[\s*2\s*,\s*"[^"]*"\s*,\s*"[^"]*"\s*,([\s\S]*)\]\s*$/.exec(request)?.[1]?.trim() ?? request;
  return payload === "{}" ? "" : payload.slice(0, 120);
}

function Frames({ message }: { message: Message }) {
  const t = useTranslations();
  const inWords = useFlag();
  const fromStation = message.direction === "in";
  const frames = [
    { title: fromStation ? t("messages.fromStation") : t("messages.toStation"), text: message.request },
    { title: fromStation ? t("messages.toStation") : t("messages.fromStation"), text: message.response },
  ];
  return (
    <div className="space-y-3 border-t border-line bg-surface px-3 py-3 sm:px-4">
      {message.reason !== null && <p className="text-sm break-words">{message.reason}</p>}
      {message.flags.map((flag) => (
        <p key={flag} className="text-sm break-words">
          {inWords(flag).hint}
        </p>
      ))}
      {(message.request !== null || message.response !== null) && (
        <div className="grid gap-3 lg:grid-cols-2">
          {frames.map(({ title, text }) => (
            <div key={title} className="min-w-0">
              <div className="flex h-9 items-center justify-between">
                <p className="text-[0.8125rem] text-ink-3">{title}</p>
                {text !== null && <CopyButton text={text} />}
              </div>
              {text === null ? (
                <p className="text-sm text-ink-2">{t("messages.noAnswer")}</p>
              ) : (
                <pre
                  className="max-h-96 overflow-auto rounded-lg bg-raised p-3 font-mono text-[0.8125rem]"
                  tabIndex={0}
                  aria-label={title}
                >
                  {prettyJson(text)}
                </pre>
              )}
            </div>
          ))}
        </div>
      )}
      <p className="font-mono text-xs text-ink-3">
        #{message.messageId}
        {message.protocol !== null && ` · ${message.protocol}`}
        {message.commandId !== null && ` · ${t("messages.command")} ${message.commandId}`}
      </p>
    </div>
  );
}
