// Way three: correct what the model is least sure of, two keys a statement.

import { annotator } from "./annotator.js";
import { mark, theModel } from "./axes.js";
import { button, make, say } from "./elements.js";
import { failure } from "./failure.js";
import { get, hasKey, send } from "./service.js";
import { axisName, labelName, languageName, percent, t } from "./words.js";

// Keys by where they lie, not by what is printed on them, so that they are the same in every layout.
const ROWS = [["Digit1", "Digit2", "Digit3", "Digit4", "Digit5"], ["KeyQ", "KeyW", "KeyE", "KeyR", "KeyT"], ["KeyA", "KeyS", "KeyD", "KeyF", "KeyG"]];
const sign = (code) => code.replace(/^(Digit|Key)/, "");
const state = { item: null, labels: {}, note: "", last: null };
const GONE = "prediction_unknown"; // deleted by somebody, so that no label can be stored for it

export async function review(root) {
  const { axes } = await theModel();
  const desk = make("div", { class: "desk" }), told = make("p", { class: "told small" }), standing = make("section", { class: "standing" });
  root.replaceChildren(make("h1", {}, t("titles.review")), make("p", { class: "lead" }, t("review.lead")),
    make("div", { class: "columns" }, make("div", {}, desk, told), standing));
  const name = await annotator();
  if (name === null) return desk.replaceChildren(make("p", {}, t("annotator.text")), button(t("go_on"), () => review(root)));
  // The name is not part of a key's request: the service knows whose the key is.
  const query = name ? `?${new URLSearchParams({ annotator: name })}` : "";
  let busy = false;

  // What had the focus is gone with the statement before; who hears the page is read the next one.
  const focus = () => (desk.querySelector(".item") ?? desk.querySelector("button")).focus({ preventScroll: true });
  const tell = (text) => { told.textContent = text; say(text); };

  // One thing at a time: a key pressed while the last is being stored does nothing. Work may give what is to follow,
  // which is then tried again without it.
  async function doing(work) {
    if (busy) return;
    busy = true;
    let then = null;
    try {
      then = await work();
    } catch (problem) {
      desk.querySelector(".problem")?.remove();
      desk.prepend(failure(problem, () => { desk.querySelector(".problem")?.remove(); doing(problem.code === GONE ? next : work); }));
    } finally {
      busy = false;
    }
    if (then) doing(then);
  }

  const ask = async () => {
    Object.assign(state, { item: null, labels: {}, note: "" });
    state.item = await send(`/v1/review${query}`);
    paint();
    stand();
  };
  const next = async () => {
    await ask();
    focus();
  };
  const store = async () => {
    const { item, labels, note } = state;
    const body = { id: item.id, labels, note: note || undefined, annotator: name || undefined };
    const { id } = await send("/v1/feedback", body);
    state.last = { id, item, note };
    tell(t("review.saved"));
    return next;
  };
  const skip = async () => {
    await send(`/v1/review/${state.item.id}${query}`, null, "DELETE");
    tell(t("review.skipped"));
    return next;
  };
  const undo = async () => {
    const { id, item, note } = state.last;
    await send(`/v1/feedback/${id}`, null, "DELETE");
    Object.assign(state, { item, labels: {}, note, last: null });
    tell(t("review.undone"));
    paint();
    stand();
    focus();
  };

  function choose(axis, label) {
    if (busy) return;
    state.labels[axis.name] = label;
    for (const node of desk.querySelectorAll(`[data-axis="${axis.name}"]`)) {
      node.setAttribute("aria-pressed", String(node.dataset.label === label));
    }
    if (axes.every((each) => each.name in state.labels)) doing(store);
  }

  function paint() {
    const { item, labels, last } = state;
    const back = last ? button(t("review.undo_last"), () => doing(undo), { "aria-keyshortcuts": "z" }) : null;
    if (!item) {
      desk.replaceChildren(make("p", { class: "nothing" }, t("review.nothing")), make("p", { class: "actions" }, button(t("review.look"), () => doing(next)), back));
      return;
    }
    const note = make("input", { type: "text", id: "review-note", maxlength: 2000, value: state.note, oninput: () => { state.note = note.value; },
      onkeydown: (event) => { if (event.key === "Enter" || event.key === "Escape") note.blur(); } });
    desk.replaceChildren(
      make("blockquote", { class: "item", lang: item.language, tabindex: -1 }, item.text),
      make("p", { class: "small" }, languageName(item.language)),
      ...axes.map((axis, row) => make("fieldset", { class: "labels" }, make("legend", {}, axisName(axis)),
        axis.labels.map((label, at) => {
          const code = ROWS[row]?.[at];
          return make("button", { type: "button", "data-axis": axis.name, "data-label": label, "aria-pressed": String(labels[axis.name] === label),
            "aria-keyshortcuts": code ? sign(code) : null, onclick: () => choose(axis, label) },
          code ? make("kbd", { "aria-hidden": "true" }, sign(code)) : null, mark(axis, label), labelName(axis, label));
        }))),
      make("label", { for: "review-note" }, t("note")), note,
      make("p", { class: "actions" }, button(t("review.skip"), () => doing(skip), { "aria-keyshortcuts": "x" }), back),
      make("p", { class: "small keys" }, t("review.keys"), " ", t("review.note_keys")));
  }

  // Whoever sits down here next: what was leased or said before is not his.
  async function rename() {
    if (await annotator(true) === name) return;
    removeEventListener("keydown", pressed);
    Object.assign(state, { item: null, labels: {}, note: "", last: null });
    review(root);
  }

  async function stand() {
    try {
      standing.replaceChildren(...summed(await get("/v1/review/summary"), axes, name, rename));
    } catch (problem) {
      standing.replaceChildren(failure(problem, stand));
    }
  }

  const pressed = (event) => {
    if (!root.isConnected) return removeEventListener("keydown", pressed);
    const typing = event.target.matches("input, textarea, select") || document.querySelector("dialog[open]");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return undefined;
    const row = ROWS.findIndex((codes) => codes.includes(event.code)), axis = axes[row];
    const label = axis?.labels[ROWS[row].indexOf(event.code)];
    const does = { KeyX: state.item && (() => doing(skip)), KeyZ: state.last && (() => doing(undo)), KeyN: state.item && (() => desk.querySelector("input").focus()) }[event.code];
    if (does || (label && state.item)) {
      event.preventDefault();
      (does ?? (() => choose(axis, label)))();
    }
    return undefined;
  };
  addEventListener("keydown", pressed);
  return doing(state.item ? async () => { paint(); stand(); } : ask);
}

// `curl` and `make` are what a person would type where the service runs; the address is that of this page.
const command = () => `curl -f ${hasKey() ? "-H 'Authorization: Bearer …' " : ""}${location.origin}/v1/feedback -o data/corpus/corrected.jsonl && make train`;

function summed({ waiting, labelled, awaiting, agreement }, axes, name, rename) {
  const of = (n, total) => (total ? `${percent(n / total)} (${t("review.of", { n, total })})` : t("review.not_yet"));
  return [
    make("h2", {}, t("review.summary")), name ? make("p", { class: "small as" }, t("review.as", { name }), " ", button(t("review.rename"), rename)) : "",
    make("ul", { class: "plain" }, make("li", {}, t("review.waiting", { n: waiting })), make("li", {}, t("review.labelled", { n: labelled })),
      make("li", { class: "strong" }, t("review.awaiting", { n: awaiting }))),
    make("p", { class: "small" }, t("review.train")), make("pre", { class: "command", tabindex: 0 }, make("code", {}, command())),
    make("h3", {}, t("review.agreement")),
    make("dl", { class: "agreement" }, axes.flatMap((axis) => {
      const found = agreement[axis.name];
      return [make("dt", {}, axisName(axis)), make("dd", {}, t("review.people"), ": ", of(found.agreed, found.pairs)),
        make("dd", {}, t("review.people_model"), ": ", of(found.as_predicted, found.predicted)),
        make("dd", {}, t("review.conflicts"), ": ", String(found.conflicts))];
    })),
  ];
}
