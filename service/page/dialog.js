// Dialogs that keep the keyboard within them, as the browser's own element does.

import { button, make } from "./elements.js";
import { onKeyNeeded } from "./service.js";
import { t } from "./words.js";

let dialogs = 0; // one may stand on another

export function dialog(title, ...children) {
  const name = `dialog-title-${++dialogs}`;
  const node = make("dialog", { "aria-labelledby": name, onclose: () => node.remove() },
    make("header", {}, make("h2", { id: name }, title),
      button("×", () => node.close(), { class: "close", "aria-label": t("close") })),
    ...children);
  document.body.append(node);
  node.showModal();
  return node;
}

// Gives what was typed, null where the dialog was left.
export function prompted({ title, text, label, length, type = "text", wrong }) {
  return new Promise((resolve) => {
    const input = make("input", { type, id: "dialog-input", maxlength: length, autocomplete: "off", autofocus: "" });
    const done = (event) => {
      event.preventDefault();
      if (input.value.trim()) node.close(input.value.trim());
    };
    const node = dialog(title, make("form", { method: "dialog", onsubmit: done },
      make("p", {}, text),
      wrong ? make("p", { class: "problem", role: "alert" }, wrong) : null,
      make("label", { for: "dialog-input" }, label), input,
      make("p", { class: "actions" }, make("button", { type: "submit", class: "chief" }, t("go_on")))));
    node.addEventListener("close", () => resolve(node.returnValue || null));
  });
}

onKeyNeeded((problem) => prompted({
  title: t("key.title"), text: t("key.text"), label: t("key.label"), type: "password", wrong: problem?.told,
}));
