// What a person says a statement's labels should be, where the statement stands.

import { annotator } from "./annotator.js";
import { mark } from "./axes.js";
import { button, make, say } from "./elements.js";
import { failure } from "./failure.js";
import { send } from "./service.js";
import { axisName, labelName, t } from "./words.js";

let forms = 0;

export function correction(statement, axes) {
  const labels = {}, form = `correction-${++forms}`;
  const told = make("div", { class: "told" });
  const note = make("input", { type: "text", maxlength: 2000, id: `${form}-note` });
  const store = async () => {
    if (!Object.keys(labels).length) return told.replaceChildren(make("p", {}, t("correction.choose")));
    const name = await annotator();
    if (name === null) return undefined;
    try {
      const body = { text: statement.text, labels, note: note.value || undefined, annotator: name || undefined };
      const { id } = await send("/v1/feedback", body);
      say(t("correction.stored"));
      told.replaceChildren(make("p", {}, t("correction.stored"), " ", button(t("undo"), () => withdraw(id))));
    } catch (problem) {
      told.replaceChildren(failure(problem, store));
    }
    return undefined;
  };
  const withdraw = async (id) => {
    try {
      await send(`/v1/feedback/${id}`, null, "DELETE");
      say(t("correction.withdrawn"));
      told.replaceChildren(make("p", {}, t("correction.withdrawn")));
    } catch (problem) {
      told.replaceChildren(failure(problem, () => withdraw(id)));
    }
  };
  return make("details", { class: "correction" },
    make("summary", {}, t("correction.title")),
    axes.map((axis) => make("fieldset", {},
      make("legend", {}, axisName(axis)),
      axis.labels.map((label) => make("label", {},
        make("input", { type: "radio", name: `${form}-${axis.name}`, onchange: () => { labels[axis.name] = label; } }),
        mark(axis, label), labelName(axis, label))))),
    make("label", { for: note.id }, t("note")), note,
    button(t("correction.store"), store), told);
}
