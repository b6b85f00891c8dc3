// What a person takes along: the answer as JSON, CSV or a page of its own, and a link that no server reads.

import { place, verdict, verdictName } from "./axes.js";
import { make, save } from "./elements.js";
import { paragraphs } from "./reading.js";
import { columns, csv, flat } from "./table.js";
import { axisName, language, percent, t } from "./words.js";

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
      node.title = axes.map((axis) => described(axis, statement.stances[axis.name])).join("; ");
      return node;
    })),
    make("footer", {}, t("export.made", { version: answer.model.version })));
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="script-src 'none'; object-src 'none'">
${make("title", {}, t("export.title")).outerHTML}<style>${sheets.join("\n")}</style>`;
  save("stances.html", "text/html;charset=utf-8",
    `<!doctype html><html lang="${language}"><head>${head}</head>${body.outerHTML}</html>`);
}

const described = (axis, stance) =>
  `${axisName(axis)}: ${verdictName(axis, verdict(stance))} (${percent(stance.confidence)})`;

const through = async (stream, bytes) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

// The part of an address after # is never sent to a server.
export async function linkOf(text) {
  const packed = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text));
  let binary = "";
  for (const byte of packed) binary += String.fromCharCode(byte);
  const signs = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${location.origin}/#article=${signs}`;
}

// Gives the text of such a fragment, null where it is not whole.
export async function textOfLink(signs) {
  try {
    const binary = atob(signs.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(await through(new DecompressionStream("deflate-raw"), bytes));
  } catch {
    return null;
  }
}
