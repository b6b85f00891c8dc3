// Way one: read an article.

import { theModel, verdict } from "./axes.js";
import { button, make, say } from "./elements.js";
import { linkOf, textOfLink, toCsv, toHtml, toJson } from "./export.js";
import { failure } from "./failure.js";
import { dropped, textOf } from "./file.js";
import { paragraphs, rove } from "./reading.js";
import { send } from "./service.js";
import { detail } from "./statement.js";
import { summary } from "./summary.js";
import { axisName, language, listed, number, percent, t } from "./words.js";

const BOTH = "";
const state = { text: "", answer: null, example: null, axis: BOTH, hidden: {}, least: 0, link: null };

const example = () => listed("example").join("\n\n");

async function analysed(text) {
  try {
    return await send("/v1/analyze", { text, explain: true });
  } catch (problem) {
    if (problem.code !== "explain_unavailable") throw problem;
    return send("/v1/analyze", { text });
  }
}

export async function article(root, fragment) {
  const { axes } = await theModel();
  for (const axis of axes) state.hidden[axis.name] ??= new Set();
  const result = make("div", { class: "result" });
  const input = make("textarea", {
    id: "text", rows: 4, value: state.example ? "" : state.text, placeholder: t("article.placeholder"),
    onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) read(); },
  });
  const file = make("input", { type: "file", accept: ".txt,.md,.html,.htm,text/plain,text/html", hidden: true,
    onchange: () => { if (file.files[0]) open(file.files[0]); file.value = ""; } });

  async function show(text, from = null) {
    Object.assign(state, { text, example: from, link: null });
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await analysed(text);
      if (state.text !== text) return; // another text was asked for meanwhile
      state.answer = answer;
      say(t("article.found", { n: state.answer.statements.length }));
      paint(result, axes);
    } catch (problem) {
      state.answer = null;
      result.replaceChildren(failure(problem, () => show(text, from)));
    } finally {
      result.removeAttribute("aria-busy");
    }
  }
  async function open(chosen) {
    input.value = await textOf(chosen);
    read();
  }
  function read() {
    if (input.value.trim()) return show(input.value);
    return result.replaceChildren(make("p", { class: "problem", role: "alert" }, t("problems.blank_text")));
  }

  const form = make("form", { class: "compose", onsubmit: (event) => { event.preventDefault(); read(); } },
    make("label", { for: "text" }, t("article.label")), input,
    make("p", { class: "actions" },
      make("button", { type: "submit", class: "chief" }, t("article.read")),
      button(t("article.open"), () => file.click()),
      button(t("article.example"), () => { input.value = ""; show(example(), language); }), file));
  dropped(root, open);
  root.replaceChildren(make("h1", {}, t("titles.article")), form, result);

  if (fragment) {
    const text = await textOfLink(fragment);
    if (text === null) return result.replaceChildren(make("p", { class: "problem", role: "alert" }, t("article.link_broken")));
    if (text !== state.text || !state.answer) {
      input.value = text;
      return show(text);
    }
  }
  if (!state.text || (state.example && state.example !== language)) return show(example(), language);
  return state.answer ? paint(result, axes) : undefined;
}

function paint(result, axes) {
  const { text, answer } = state;
  const chosen = state.axis === BOTH ? axes.slice(0, 2) : axes.filter((axis) => axis.name === state.axis);
  const panel = make("aside", { class: "panel", "aria-label": t("article.why") });
  const hint = () => panel.replaceChildren(make("p", { class: "hint" }, t("article.hint")));
  let pinned = null;
  const nodes = new Map();
  const show = (statement) => panel.replaceChildren(
    button("×", () => pin(null), { class: "close", "aria-label": t("close") }), detail(statement, axes));
  function pin(node) {
    pinned?.setAttribute("aria-pressed", "false");
    pinned = node === pinned ? null : node;
    pinned?.setAttribute("aria-pressed", "true");
    panel.classList.toggle("open", pinned !== null);
    if (pinned) show(nodes.get(pinned));
    else hint();
  }
  const body = make("div", { class: "reading", lang: "", role: "group", "aria-label": t("article.statements") },
    paragraphs(text, answer.statements, chosen, (node, statement) => {
      nodes.set(node, statement);
      for (const [name, value] of Object.entries({ role: "button", tabindex: "-1", "aria-pressed": "false", lang: statement.language })) {
        node.setAttribute(name, value);
      }
      return node;
    }));
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
    if (event.key === "Escape" && pinned) pin(null);
    if (!["Enter", " "].includes(event.key) || !nodes.has(event.target)) return;
    event.preventDefault();
    pin(event.target);
  });
  rove(body, ".statement");
  const filter = () => {
    for (const [node, statement] of nodes) {
      node.classList.toggle("passed-over", axes.some(({ name }) =>
        state.hidden[name].has(verdict(statement.stances[name])) || statement.stances[name].confidence < state.least));
    }
  };
  filter();
  hint();
  result.replaceChildren(
    make("h2", {}, state.example ? t("article.example_title") : t("article.result_title")),
    make("div", { class: "overview" },
      axes.map((axis) => summary(axis, answer.summary[axis.name], state.hidden[axis.name], filter)),
      make("div", { class: "view" },
        make("p", { class: "small" }, t("article.found", { n: answer.statements.length })),
        axisChoice(axes, () => paint(result, axes)), certainty(filter))),
    make("div", { class: "columns" }, make("div", {}, body, takeaway(text, answer, axes)), panel));
}

function axisChoice(axes, changed) {
  if (axes.length < 2) return null;
  const choices = [[BOTH, t("article.both")], ...axes.map((axis) => [axis.name, axisName(axis)])];
  return make("fieldset", { class: "choice" }, make("legend", {}, t("article.show")),
    choices.map(([value, text]) => make("label", {},
      make("input", { type: "radio", name: "axis", checked: state.axis === value,
        onchange: () => { state.axis = value; changed(); document.querySelector("[name=axis]:checked").focus(); } }),
      text)));
}

function certainty(changed) {
  const told = make("output", { for: "least" }, percent(state.least));
  return make("p", { class: "certainty" }, make("label", { for: "least" }, t("article.least")),
    make("input", { type: "range", id: "least", min: 0, max: 95, step: 5, value: state.least * 100,
      oninput: ({ target }) => { state.least = target.value / 100; told.textContent = percent(state.least); changed(); } }), told);
}

function takeaway(text, answer, axes) {
  const told = make("div", { class: "told" });
  const link = async () => {
    const url = await linkOf(text);
    history.replaceState(null, "", url);
    told.replaceChildren(make("p", {}, make("label", { for: "link" }, t("article.link_text")),
      make("input", { id: "link", type: "text", readonly: "", value: url, onfocus: ({ target }) => target.select() })));
    told.querySelector("input").focus();
  };
  const queue = async () => {
    try {
      const stored = await send("/v1/analyze", { text, store: true });
      const words = t("article.queued", { n: stored.statements.length });
      say(words);
      told.replaceChildren(make("p", {}, words));
    } catch (problem) {
      told.replaceChildren(failure(problem, queue));
    }
  };
  return make("div", { class: "takeaway" }, make("p", { class: "actions" },
    button("JSON", () => toJson(text, answer)), button("CSV", () => toCsv(answer, axes)),
    button("HTML", () => toHtml(text, answer, axes)), button(t("article.link"), link), button(t("article.queue"), queue)), told);
}
