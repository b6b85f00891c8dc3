// What a person takes along: the answer as JSON, CSV or a page of its own.

import { described, place, verdictName } from "./axes.js";
import { make, save } from "./elements.js";
import { paragraphs } from "./reading.js";
import { columns, csv, flat } from "./table.js";
import { axisName, language, t } from "./words.js";

export const toJson = (text, answer) => save("stances.json", "application/json", JSON.stringify({ text, ...answer }, null, 2));

export function toCsv(answer, axes) {
  const rows = answer.statements.map((each) =>
    ({ text: each.text, start: each.start, end: each.end, ...flat(each, answer.model.version) }));
  save("stances.csv", "text/csv;charset=utf-8", csv(["text", "start", "end", ...columns(axes)], rows));
}

export async function toHtml(text, answer, axes) {
  const sheets = await Promise.all(["colours", "statements"].map(async (name) => (await fetch(`/page/${name}.css`)).text()));
  const tally = make("table", { class: "tally" }, axes.map((axis) => make("tr", {},
    make("th", { scope: "row" }, axisName(axis)),
    Object.entries(answer.summary[axis.name]).map(([label, n]) =>
      make("td", {}, make("span", { class: `key is-${place(axis, label)}` }, `${verdictName(axis, label)} ${n}`))))));
  const body = make("body", { class: "export" }, make("h1", {}, t("export.title")), tally,
    make("div", { class: "reading" }, paragraphs(text, answer.statements, axes, (node, statement) => {
      node.title = described(statement, axes);
      node.lang = statement.language;
      return node;
    })),
    make("footer", {}, t("export.made", { version: answer.model.version })));
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
${make("title", {}, t("export.title")).outerHTML}<style>${sheets.join("\n")}</style>`;
  save("stances.html", "text/html;charset=utf-8",
    `<!doctype html><html lang="${language}"><head>${head}</head>${body.outerHTML}</html>`);
}
