/** Language, theme, who is signed in. Opens over the page by the browser's popover. */
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Me } from "../lib/api.gen.ts";
import { call } from "../lib/client.ts";
import { useMe } from "../lib/me.ts";
import { chooseOperator, leave, session } from "../lib/session.ts";
import { useCode } from "../lib/words.ts";
import { Button } from "./button.tsx";
import { Choosers } from "./choosers.tsx";
import { SelectField } from "./field.tsx";
import { Icon } from "./icon.tsx";

/** Of a person who belongs to several operators: which one is on screen. */
function OperatorChoice({ me }: { me: Me }) {
  const t = useTranslations();
  if (me.operators.length < 2)
    return (
      <p className="text-[0.8125rem] text-ink-3">
        {t("preferences.operator", { operator: me.operators[0]?.name ?? me.operatorId })}
      </p>
    );
  return (
    <div className="mt-3">
      <SelectField
        label={t("preferences.chooseOperator")}
        value={me.operatorId}
        onChange={(event) => {
          chooseOperator(event.target.value);
          // What is on screen belongs to the other one.
          location.assign("/");
        }}
      >
        {me.operators.map(({ operatorId, name }) => (
          <option key={operatorId} value={operatorId}>
            {name}
          </option>
        ))}
      </SelectField>
    </div>
  );
}

/** Ends the session in the cloud, and here in any case. */
async function signOut(): Promise<void> {
  if (session.get().key === null) await call("signOut", {}).catch(() => {});
  leave();
}

export function Preferences() {
  const t = useTranslations();
  const code = useCode();
  const me = useMe();
  const name = me?.person?.name ?? me?.keyName ?? "";
  return (
    <>
      <button
        type="button"
        popoverTarget="preferences"
        aria-label={t("preferences.open")}
        className="inline-flex size-10 items-center justify-center rounded-lg text-ink-2 hover:bg-raised
          hover:text-ink pointer-coarse:size-11"
      >
        <Icon name="person" className="size-5" />
      </button>
      <div
        id="preferences"
        popover="auto"
        className="fixed inset-auto top-14 right-[max(0.75rem,calc((100%-72rem)/2+1.5rem))] m-0 w-72
          rounded-xl border border-line bg-surface p-4 text-ink shadow-card"
      >
        {me !== undefined && (
          <div className="mb-4">
            <p className="truncate font-medium">{name}</p>
            {me.person !== null && <p className="truncate text-sm text-ink-2">{me.person.email}</p>}
            <p className="text-[0.8125rem] text-ink-3">
              {me.person === null ? t("preferences.isKey") : (code("role", me.role) ?? me.role)}
            </p>
            <OperatorChoice me={me} />
          </div>
        )}
        {me?.person !== null && (
          <Link
            to="/account"
            onClick={() => document.getElementById("preferences")?.hidePopover()}
            className="mb-4 flex h-10 items-center gap-2 rounded-lg border border-line px-3 font-medium
              hover:border-line-strong hover:bg-raised pointer-coarse:h-11"
          >
            <Icon name="settings" /> {t("preferences.account")}
          </Link>
        )}
        <Choosers />
        <Button className="mt-4 w-full" onClick={() => void signOut()}>
          {t("preferences.signOut")}
        </Button>
      </div>
    </>
  );
}
