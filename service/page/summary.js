// How often each label stands in an article: a bar an axis, whose key is also the filter.

import { mark, place, UNCERTAIN, verdictName } from "./axes.js";
import { make, styled } from "./elements.js";
import { axisMeaning, axisName, number, percent } from "./words.js";

// `hidden` is the set of labels that are filtered out; `changed` is called when it was changed.
export function summary(axis, counts, hidden, changed) {
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0) || 1;
  const name = `axis-${axis.name}`;
  return make("section", { class: "summary", "aria-labelledby": name },
    make("h3", { id: name }, axisName(axis)),
    make("p", { class: "meaning" }, axisMeaning(axis)),
    make("div", { class: "bar", "aria-hidden": "true" }, [...axis.labels, UNCERTAIN].map((label) =>
      styled(make("span", { class: `part is-${place(axis, label)}` }), { "--share": counts[label] / total }))),
    make("ul", { class: "key-list" }, [...axis.labels, UNCERTAIN].map((label) => make("li", {},
      make("label", {},
        make("input", {
          type: "checkbox", checked: !hidden.has(label),
          onchange: ({ target }) => { target.checked ? hidden.delete(label) : hidden.add(label); changed(); },
        }),
        mark(axis, label), make("span", { class: "label" }, verdictName(axis, label)),
        make("span", { class: "count" }, `${number(counts[label])} · ${percent(counts[label] / total)}`))))));
}
