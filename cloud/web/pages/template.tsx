/** A template: which stations, and which values they should have. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import type { StationTemplate } from "../../api/template-schemas.ts";
import { Button } from "../components/button.tsx";
import { Card, Skeleton } from "../components/card.tsx";
import { Dialog } from "../components/dialog.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote, ProblemPage } from "../components/problem.tsx";
import { SchemaForm } from "../components/schema-form.tsx";
import { ApiError, stationApi } from "../lib/api.ts";
import { useProblems } from "../lib/command-form.ts";
import { sitesQuery } from "../lib/queries.ts";
import { problemsOf } from "../lib/schema-check.ts";
import { initialOf, isFields, type Fields } from "../lib/schema-form.ts";
import {
  newTemplate,
  TEMPLATE_SCHEMA,
  templateForm,
  templatePatch,
  templatePointer,
} from "../lib/template.ts";

const route = getRouteApi("/templates/$templateId");
const NEW = "new";

export function TemplatePage() {
  const t = useTranslations();
  const { templateId } = route.useParams();
  const query = useQuery({
    queryKey: ["templates", templateId],
    queryFn: ({ signal }) => stationApi.template(templateId, signal),
    enabled: templateId !== NEW,
  });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (templateId !== NEW && query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const template = query.data ?? null;
  return (
    <>
      <PageHead title={template?.name ?? t("templates.create")}>
        <p className="mt-1">
          <Link to="/templates" className="rounded text-sm text-accent hover:underline">
            {t("templates.all")}
          </Link>
        </p>
      </PageHead>
      <TemplateForm key={template?.updatedAt ?? NEW} template={template} />
    </>
  );
}

/** The cloud's pointers in the words of the form. */
function asFormError(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const errors = error.errors.map((one) => ({ ...one, pointer: templatePointer(one.pointer) }));
  return Object.assign(new ApiError({ status: error.status, code: error.code, title: error.title }), {
    errors,
  });
}

function useSave(template: StationTemplate | null) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (value: Fields) =>
      template === null
        ? stationApi.createTemplate(newTemplate(value))
        : stationApi.patchTemplate(template.templateId, templatePatch(value)),
    onSuccess: async () => {
      await Promise.all([
        client.invalidateQueries({ queryKey: ["templates"] }),
        client.invalidateQueries({ queryKey: ["configuration"] }),
      ]);
      await navigate({ to: "/templates" });
    },
  });
}

function TemplateForm({ template }: { template: StationTemplate | null }) {
  const t = useTranslations();
  const sites = useQuery(sitesQuery());
  const [value, setValue] = useState<unknown>(() => ({
    ...(initialOf(TEMPLATE_SCHEMA, TEMPLATE_SCHEMA) as Fields),
    ...templateForm(template),
  }));
  const [asked, setAsked] = useState(false);
  const [removing, setRemoving] = useState(false);
  const save = useSave(template);
  const found = useMemo(() => problemsOf(TEMPLATE_SCHEMA, value), [value]);
  const error = useMemo(() => asFormError(save.error), [save.error]);
  const problems = useProblems(found, error, { head: "/body", asked });
  const siteIds = sites.data?.items;
  const suggest = useCallback(
    (name: string) =>
      name === "siteIds" ? (siteIds ?? []).map((site) => ({ value: site.siteId, label: site.name })) : [],
    [siteIds],
  );
  const { reset } = save;
  const change = useCallback(
    (next: unknown) => {
      setValue(next);
      reset();
    },
    [reset],
  );
  return (
    <form
      noValidate
      className="max-w-3xl"
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
        if (found.length === 0 && isFields(value) && !save.isPending) save.mutate(value);
      }}
    >
      <Card className="space-y-5 px-4 py-4 sm:px-5">
        <p className="text-sm text-ink-2">{t("templates.formHint")}</p>
        <SchemaForm
          schema={TEMPLATE_SCHEMA}
          {...{ value, suggest }}
          onChange={change}
          problems={problems.places}
          names="ours"
        />
        {save.isError && problems.others && <ProblemNote error={save.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          {template !== null && (
            <MayButton
              needs="templates:write"
              look="ghost"
              className="mr-auto"
              onClick={() => setRemoving(true)}
            >
              {t("templates.delete")}
            </MayButton>
          )}
          <MayButton needs="templates:write" type="submit" look="primary" disabled={save.isPending}>
            {t("templates.save")}
          </MayButton>
        </div>
      </Card>
      {removing && template !== null && (
        <RemoveDialog template={template} onClose={() => setRemoving(false)} />
      )}
    </form>
  );
}

function RemoveDialog({ template, onClose }: { template: StationTemplate; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => stationApi.deleteTemplate(template.templateId),
    onSuccess: async () => {
      await navigate({ to: "/templates" });
      client.removeQueries({ queryKey: ["templates", template.templateId] });
      await client.invalidateQueries({ queryKey: ["templates"] });
      await client.invalidateQueries({ queryKey: ["configuration"] });
    },
  });
  return (
    <Dialog title={t("templates.deleteTitle", { name: template.name })} onClose={onClose}>
      <p className="mb-4">{t("templates.deleteAsk")}</p>
      {remove.isError && <ProblemNote error={remove.error} />}
      <div className="mt-4 flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {t("common.cancel")}
        </Button>
        <Button look="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
          {t("templates.delete")}
        </Button>
      </div>
    </Dialog>
  );
}
