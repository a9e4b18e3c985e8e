/**
 * What is there only for those who may. A button that is not allowed stays where it is and says why, to the mouse and
 * to the screen reader; a page that is not allowed says what is missing and whom to ask.
 */
import { useId, type ComponentProps, type ReactElement } from "react";
import { useTranslations } from "use-intl";
import type { Permission } from "../../core/access.ts";
import { useMe, useRefusal } from "../lib/me.ts";
import { useCode } from "../lib/words.ts";
import { Button } from "./button.tsx";
import { Card } from "./card.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { useTitle } from "../lib/title.ts";

export function MayButton({ needs, ...rest }: ComponentProps<typeof Button> & { needs: Permission }) {
  const refused = useRefusal()(needs);
  const id = useId();
  if (refused === null) return <Button {...rest} />;
  const { onClick: _, className = "", type: _type, ...inert } = rest;
  return (
    <>
      <Button
        {...inert}
        aria-disabled="true"
        aria-describedby={id}
        title={refused}
        className={`cursor-not-allowed opacity-50 ${className}`}
      />
      <span id={id} className="sr-only">
        {refused}
      </span>
    </>
  );
}

type LinkProps = { needs: Permission; icon: IconName; label: string; children: ReactElement };

/** A way that looks like a button, to a form: its child, or the button that says why not. */
export function MayLink({ needs, icon, label, children }: LinkProps) {
  if (useRefusal()(needs) === null) return children;
  return (
    <MayButton needs={needs} icon={icon} look="primary">
      {label}
    </MayButton>
  );
}

/** Instead of a page. */
export function ForbiddenPage({ needs }: { needs: Permission }) {
  const t = useTranslations();
  const code = useCode();
  const me = useMe();
  const reason = useRefusal()(needs);
  useTitle(t("forbidden.title"));
  return (
    <Card className="mx-auto mt-6 max-w-xl p-6">
      <div className="flex gap-3">
        <Icon name="block" className="mt-1 size-5 text-amber" />
        <div>
          <h1 className="text-lg font-semibold">{t("forbidden.title")}</h1>
          <p className="mt-1">{reason}</p>
          {me !== undefined && (
            <p className="mt-3 text-sm text-ink-2">
              {t("forbidden.who", { name: me.keyName, role: code("role", me.role) ?? me.role })}
            </p>
          )}
          <p className="mt-1 font-mono text-xs text-ink-3">{needs}</p>
        </div>
      </div>
    </Card>
  );
}
