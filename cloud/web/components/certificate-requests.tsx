/** Stations that wait for a certificate: take the request to the authority, bring back what it signed. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { CertificateRequest } from "../../api/station-schemas.ts";
import { api, newId } from "../lib/api.ts";
import { certificateRequestsQuery } from "../lib/queries.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { Card, Section } from "./card.tsx";
import { CopyBlock } from "./copy.tsx";
import { TextArea } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";
import { When } from "./time.tsx";

/** Nothing at all when nobody waits. */
export function CertificateRequests({ siteId }: { siteId: string | undefined }) {
  const t = useTranslations();
  const query = useQuery(certificateRequestsQuery());
  const [answering, setAnswering] = useState<CertificateRequest | null>(null);
  if (query.isError && query.data === undefined) return <ProblemNote error={query.error} />;
  const items = (query.data?.items ?? []).filter((one) => siteId === undefined || one.siteId === siteId);
  if (items.length === 0) return null;
  return (
    <Section title={t("certificates.title")} count={String(items.length)} className="mb-8">
      <Card className="overflow-hidden">
        <ul className="divide-y divide-line">
          {items.map((request) => (
            <li
              key={request.certificateRequestId}
              className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3"
            >
              <Icon name="block" className="size-4 text-amber" />
              <div className="min-w-0 flex-1">
                <Link
                  to="/stations/$stationId"
                  params={request}
                  className="rounded font-medium hover:underline"
                >
                  {request.stationId}
                </Link>
                <p className="text-[0.8125rem] text-ink-3">
                  {request.certificateType ?? t("certificates.own")} · <When at={request.at} />
                </p>
              </div>
              <MayButton needs="commands:send" small onClick={() => setAnswering(request)}>
                {t("certificates.answer")}
              </MayButton>
            </li>
          ))}
        </ul>
      </Card>
      {answering !== null && <AnswerDialog request={answering} onClose={() => setAnswering(null)} />}
    </Section>
  );
}

function AnswerDialog({ request, onClose }: { request: CertificateRequest; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [chain, setChain] = useState("");
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const { stationId, certificateType, requestId, csr } = request;
  const params = {
    certificateChain: `${chain.trim()}\n`,
    ...(certificateType === null ? {} : { certificateType }),
    ...(requestId === null ? {} : { requestId }),
  };
  return (
    <AskDialog
      title={t("certificates.answerTitle", { station: stationId })}
      action={t("certificates.send")}
      danger={false}
      onAct={async () => {
        await api.sendCommand(stationId, { kind: "CertificateSigned", params }, idempotencyKey);
        await client.invalidateQueries({ queryKey: ["certificate-requests"] });
      }}
      onClose={onClose}
    >
      <div>
        <p className="mb-1 text-sm font-medium">{t("certificates.csr")}</p>
        <CopyBlock text={csr} />
      </div>
      <TextArea
        label={t("certificates.chain")}
        hint={t("certificates.chainHint")}
        required
        rows={6}
        spellCheck={false}
        value={chain}
        onChange={(event) => {
          setChain(event.target.value);
          setIdempotencyKey(newId());
        }}
      />
    </AskDialog>
  );
}
