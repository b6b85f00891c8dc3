// The panel beside an article: it tells of the statement under the pointer or the focus, and keeps the one that is chosen.

import { described } from "./axes.js";
import { button, make, say } from "./elements.js";
import { detail } from "./statement.js";
import { t } from "./words.js";

// `nodes` are the statements of `body` by their elements. Gives the panel, and what leaves the chosen statement.
export function panelOf(body, nodes, axes) {
  const panel = make("aside", { class: "panel", "aria-label": t("article.why") });
  let pinned = null;
  const hint = () => panel.replaceChildren(make("p", { class: "hint" }, t("article.hint")));
  const show = (statement) => panel.replaceChildren(
    button("×", leave, { class: "close", "aria-label": t("close") }), detail(statement, axes));

  function pin(node) {
    pinned?.setAttribute("aria-pressed", "false");
    pinned = node === pinned ? null : node;
    pinned?.setAttribute("aria-pressed", "true");
    panel.classList.toggle("open", pinned !== null);
    if (!pinned) return hint();
    show(nodes.get(pinned));
    say(described(nodes.get(pinned), axes));
    panel.scrollTop = 0;
    return uncover(pinned);
  }

  // On a phone the panel lies over the lower part of the page.
  function uncover(node) {
    const covers = getComputedStyle(panel).position === "fixed";
    if (covers && node.getBoundingClientRect().bottom > panel.getBoundingClientRect().top) node.scrollIntoView();
  }

  function leave() {
    const node = pinned;
    if (!node) return;
    pin(null);
    node.focus({ preventScroll: true });
  }

  const over = ({ target }) => {
    const node = target.closest(".statement");
    if (node && !pinned) show(nodes.get(node));
  };
  body.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") over(event); });
  body.addEventListener("focusin", (event) => {
    over(event);
    if (pinned && event.target !== pinned && event.target.matches(":focus-visible")) pin(event.target);
  });
  body.addEventListener("click", ({ target }) => { const node = target.closest(".statement"); if (node) pin(node); });
  body.addEventListener("keydown", (event) => {
    if (!["Enter", " "].includes(event.key) || !nodes.has(event.target)) return;
    event.preventDefault();
    pin(event.target);
  });
  hint();
  return { panel, leave };
}
