/** Templates through the form and back. */
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import {
  NewStationTemplate,
  StationTemplatePatch,
  type StationTemplate,
} from "../../api/template-schemas.ts";
import { problemsOf } from "./schema-check.ts";
import { initialOf } from "./schema-form.ts";
import { newTemplate, TEMPLATE_SCHEMA, templateForm, templatePatch } from "./template.ts";

const template: StationTemplate = {
  ...{ templateId: "t", operatorId: "o", name: "Fleet", vendor: "ACME", model: null, firmware: "1.*" },
  ...{ siteIds: ["s"], priority: 5, createdAt: "", updatedAt: "" },
  variables: [{ component: "OCPPCommCtrlr", variable: "HeartbeatInterval", value: "60" }],
};
const ajv = new Ajv({ strict: false });

describe("a template", () => {
  it("goes through the form unchanged", () => {
    const form = templateForm(template);
    expect(problemsOf(TEMPLATE_SCHEMA, form)).toEqual([]);
    const { templateId: _t, operatorId: _o, createdAt: _c, updatedAt: _u, ...rest } = template;
    expect(templatePatch(form)).toEqual(rest);
  });

  it("is a request that the cloud takes, new or changed", () => {
    const form = templateForm(template);
    expect(ajv.validate(NewStationTemplate, newTemplate(form)), ajv.errorsText()).toBe(true);
    expect(ajv.validate(StationTemplatePatch, templatePatch(form)), ajv.errorsText()).toBe(true);
  });

  it("loses what was taken out of its form", () => {
    const { rank: _rank, ...form } = templateForm(template);
    expect(templatePatch({ ...form, vendor: "*" })).toMatchObject({ vendor: null, priority: 0 });
  });

  it("asks for a name and at least one value when it is new", () => {
    const found = problemsOf(TEMPLATE_SCHEMA, initialOf(TEMPLATE_SCHEMA, TEMPLATE_SCHEMA));
    expect(found.map(({ pointer }) => pointer)).toEqual([
      "/name",
      "/variables/0/variable",
      "/variables/0/value",
    ]);
  });
});
