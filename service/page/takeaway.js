// What goes on from an article that was read: files, a link, and its statements to the queue.

import { button, make, say } from "./elements.js";
import { toCsv, toHtml, toJson } from "./export.js";
import { failure } from "./failure.js";
import { linkOf, LONGEST } from "./link.js";
import { send } from "./service.js";
import { t } from "./words.js";

export function takeaway(text, answer, axes) {
  const told = make("div", { class: "told" });
  const tell = (words) => {
    say(words);
    told.replaceChildren(make("p", {}, words));
  };
  const link = async () => {
    const url = await linkOf(text);
    if (url.length > LONGEST) return tell(t("article.link_long", { n: url.length, most: LONGEST }));
    history.replaceState(null, "", url);
    told.replaceChildren(make("p", {}, make("label", { for: "link" }, t("article.link_text")),
      make("input", { id: "link", type: "text", readonly: "", value: url, onfocus: ({ target }) => target.select() })));
    return told.querySelector("input").focus();
  };
  const queue = async () => {
    try {
      const stored = await send("/v1/analyze", { text, store: true });
      tell(t("article.queued", { n: stored.statements.length }));
    } catch (problem) {
      told.replaceChildren(failure(problem, queue));
    }
  };
  return make("div", { class: "takeaway" }, make("p", { class: "actions" },
    button("JSON", () => toJson(text, answer)), button("CSV", () => toCsv(answer, axes)),
    button("HTML", () => toHtml(text, answer, axes)), button(t("article.link"), link), button(t("article.queue"), queue)), told);
}
