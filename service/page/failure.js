// What went wrong, told where it happened.

import { button, make } from "./elements.js";
import { changeKey, Problem } from "./service.js";
import { t } from "./words.js";

export function failure(problem, again) {
  if (!(problem instanceof Problem)) throw problem;
  return make("div", { class: "problem", role: "alert" },
    make("p", {}, problem.told),
    problem.status === 403 && again ? button(t("key.other"), async () => { if (await changeKey()) again(); }) : null,
    problem.status !== 403 && again ? button(t("again"), again) : null);
}
