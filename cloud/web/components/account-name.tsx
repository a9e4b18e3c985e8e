/** Name and e-mail address of the person who is signed in. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Person } from "../lib/api.gen.ts";
import { call } from "../lib/client.ts";
import { Badge } from "./badge.tsx";
import { Button } from "./button.tsx";
import { Card, Section } from "./card.tsx";
import { NameField, PlainForm } from "./new-account.tsx";
import { ProblemNote } from "./problem.tsx";

export function AccountName({ person }: { person: Person }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [name, setName] = useState(person.name);
  const save = useMutation({
    mutationFn: () => call("updateMe", { body: { name: name.trim() } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["me"] }),
  });
  const verify = useMutation({ mutationFn: () => call("requestEmailVerification", {}) });
  return (
    <Section title={t("account.who")}>
      <Card className="space-y-4 p-4">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="min-w-0 break-all">{person.email}</span>
          <Badge
            tone={person.emailVerified ? "neutral" : "amber"}
            icon={person.emailVerified ? "check" : "alert"}
          >
            {person.emailVerified ? t("account.verified") : t("account.unverified")}
          </Badge>
          {!person.emailVerified && (
            <Button small disabled={verify.isPending || verify.isSuccess} onClick={() => verify.mutate()}>
              {verify.isSuccess ? t("account.verifySent") : t("account.verify")}
            </Button>
          )}
        </div>
        {verify.isError && <ProblemNote error={verify.error} />}
        <PlainForm onSubmit={() => !save.isPending && save.mutate()} onChange={() => save.reset()}>
          <NameField label={t("account.name")} value={name} onChange={setName} />
          {save.isError && <ProblemNote error={save.error} />}
          <Button type="submit" disabled={save.isPending || name.trim() === person.name}>
            {save.isSuccess ? t("account.saved") : t("account.save")}
          </Button>
        </PlainForm>
      </Card>
    </Section>
  );
}
