// Why a statement was read as it was: probabilities, the words that weighed, why the model abstains, and a correction.

import { mark, place, verdict, verdictName } from "./axes.js";
import { correction } from "./correction.js";
import { make, styled } from "./elements.js";
import { axisName, labelName, languageName, number, percent, t } from "./words.js";

const WORDS = 6;

export function detail(statement, axes) {
  return make("div", { class: "detail" },
    make("blockquote", {}, statement.text),
    make("p", { class: "small" }, languageName(statement.language)),
    axes.map((axis) => onAxis(axis, statement.stances[axis.name])),
    correction(statement, axes));
}

function onAxis(axis, stance) {
  const said = verdict(stance);
  return make("section", { class: "on-axis" },
    make("h3", {}, axisName(axis), ": ", mark(axis, said), " ", verdictName(axis, said)),
    stance.certain ? null : make("p", { class: "reason" }, t(`reasons.${stance.reason}`), " ",
      t("rather", { label: labelName(axis, stance.label) })),
    make("table", { class: "probabilities" }, axis.labels.map((label) => {
      const p = stance.probabilities[label];
      return make("tr", {},
        make("th", { scope: "row" }, labelName(axis, label)),
        make("td", { class: "gauge" }, styled(make("span", { class: `part is-${place(axis, label)}` }), { "--share": p })),
        make("td", { class: "figure" }, percent(p)));
    })),
    weights(axis, stance));
}

function weights(axis, stance) {
  if (!stance.words?.length) return null;
  const strongest = stance.words.toSorted((one, other) => Math.abs(other.weight) - Math.abs(one.weight)).slice(0, WORDS);
  const most = Math.abs(strongest[0].weight) || 1;
  return make("div", { class: "weights" },
    make("p", { class: "small" }, t("weighed", { label: labelName(axis, stance.label) })),
    make("ul", {}, strongest.map((word) => make("li", { class: word.weight < 0 ? "against" : "for" },
      styled(make("span", { class: "word" }, word.text), { "--share": Math.abs(word.weight) / most }), " ",
      make("span", { class: "figure" }, `${word.weight < 0 ? "−" : "+"}${number(Math.abs(word.weight), 2)}`)))));
}
