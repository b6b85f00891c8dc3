// The answered rows of a file: sifted, sorted, opened one by one, taken along.

import { mark, UNCERTAIN, verdict, verdictName } from "./axes.js";
import { dialog } from "./dialog.js";
import { button, make, save, say } from "./elements.js";
import { grid } from "./grid.js";
import { send } from "./service.js";
import { detail } from "./statement.js";
import { columns, csv, shown, stanceOf } from "./table.js";
import { axisName, knows, languageName, language, number, percent, t } from "./words.js";

const BESIDE = { date: "7rem", holder: "minmax(9rem, 2fr)", source: "minmax(9rem, 2fr)" };

const FAULTY = "error";

// Where a row keeps its number, beside whatever columns its file has.
export const AT = Symbol("at");

// The column of the first of these names that a file has, in whatever letters it is written.
export const columnOf = (header, names) =>
  names.map((name) => header.find((each) => each.trim().toLowerCase() === name)).find((found) => found !== undefined);

export function rowsView(rows, axes, { column, header }) {
  const sieve = { text: "", certain: "", labels: {} };
  let matching = [];
  const told = make("p", { class: "small" }), download = button("", take);
  const table = grid({
    label: t("file.table"), open: (row) => open(row, axes, column), sorted: () => sift(false),
    columns: [
      { name: "at", title: t("file.row"), width: "4.5rem", cell: (row) => make("span", { class: "number" }, number(row[AT])), value: (row) => row[AT] },
      ...axes.map((axis) => ({
        name: axis.name, title: axisName(axis), width: "12.25rem", cell: (row) => stanceCell(row, axis),
        value: (row) => { const stance = stanceOf(row, axis); return stance ? `${verdictName(axis, verdict(stance))} ${(1 - stance.confidence).toFixed(4)}` : ""; },
      })),
      { name: "text", title: t("file.text"), width: "minmax(16rem, 4fr)", cell: (row) => make("span", { class: "prose" }, shown(row[column])), value: (row) => shown(row[column]) },
      ...Object.entries(BESIDE).map(([name, width]) => [columnOf(header, [name]), width]).filter(([name]) => name !== undefined && name !== column).map(([name, width]) => (
        { name: `own-${name}`, title: name, width, cell: (row) => shown(row[name]), value: (row) => shown(row[name]) })),
      { name: "language", title: t("file.language"), width: "7rem", value: (row) => shown(row.stance_language),
        cell: (row) => (row.stance_language ? languageName(row.stance_language) : "") },
    ],
  });
  const collator = new Intl.Collator(language, { numeric: true });

  function keeps(row) {
    if (sieve.text && !shown(row[column]).toLowerCase().includes(sieve.text)) return false;
    if (sieve.certain === FAULTY && !row.stance_error) return false;
    return axes.every((axis) => {
      const wanted = sieve.labels[axis.name];
      if (!wanted && (!sieve.certain || sieve.certain === FAULTY)) return true;
      const stance = stanceOf(row, axis);
      if (!stance) return false;
      return (!wanted || verdict(stance) === wanted) && (!sieve.certain || String(stance.certain) === sieve.certain);
    });
  }

  function sift(more) {
    matching = rows.filter(keeps);
    const by = table.columns.find((each) => each.name === table.order.name);
    if (by) {
      const keyed = matching.map((row) => [by.value(row), row]);
      const sign = table.order.down ? -1 : 1;
      keyed.sort(([one], [other]) => sign * (typeof one === "number" ? one - other : collator.compare(one, other)));
      matching = keyed.map(([, row]) => row);
    }
    table.show(matching, more);
    told.textContent = matching.length ? t("file.matching", { n: matching.length }) : t("file.nothing");
    download.textContent = t("file.download", { n: matching.length });
    download.disabled = matching.length === 0;
    if (!more) say(told.textContent);
  }

  function take() {
    const names = new Set([...header, ...columns(axes)]);
    for (const row of matching) for (const name of Object.keys(row)) names.add(name);
    save("stances.csv", "text/csv;charset=utf-8", csv([...names], matching));
  }

  const chosen = (title, options, changed) => make("label", {}, title, make("select", { onchange: ({ target }) => { changed(target.value); sift(false); } },
    options.map(([value, text]) => make("option", { value }, text))));
  const node = make("div", {},
    make("div", { class: "sieve" },
      make("label", { class: "search" }, t("file.search"), make("input", { type: "search", oninput: ({ target }) => { sieve.text = target.value.toLowerCase(); sift(false); } })),
      axes.map((axis) => chosen(axisName(axis), [["", t("file.any")], ...[...axis.labels, UNCERTAIN].map((label) => [label, verdictName(axis, label)])],
        (value) => { sieve.labels[axis.name] = value; })),
      chosen(t("file.certainty"), [["", t("file.any")], ["true", t("file.certain_only")], ["false", t("file.uncertain_only")], [FAULTY, t("file.errors_only")]], (value) => { sieve.certain = value; }),
      download),
    told, table.node);
  return { node, more: () => sift(true) };
}

function stanceCell(row, axis) {
  if (row.stance_error) return make("span", { class: "number" }, t("file.error"));
  const stance = stanceOf(row, axis), said = verdict(stance);
  return [mark(axis, said), verdictName(axis, said), make("span", { class: "figure" }, percent(stance.confidence))];
}

async function open(row, axes, column) {
  const text = shown(row[column]);
  if (row.stance_error) {
    const key = `problems.${row.stance_error}`;
    dialog(t("file.statement"), make("blockquote", {}, text), make("p", { class: "problem" }, knows(key) ? t(key) : row.stance_error));
    return;
  }
  const stances = Object.fromEntries(axes.map((axis) => [axis.name, stanceOf(row, axis)]));
  const place = make("div", {}, detail({ text, language: row.stance_language, stances }, axes));
  dialog(t("file.statement"), place);
  try {
    const { predictions: [explained] } = await send("/v1/predict", { text, explain: true });
    if (!place.querySelector("details[open]")) place.replaceChildren(detail({ text, ...explained }, axes));
  } catch {
    // The answer of the file stands; what the words weighed is missing only.
  }
}
