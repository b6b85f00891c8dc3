// Way one: read an article.

import { theModel, verdict } from "./axes.js";
import { button, make, say } from "./elements.js";
import { failure } from "./failure.js";
import { onDrop, textOf } from "./file.js";
import { textOfLink } from "./link.js";
import { panelOf } from "./panel.js";
import { paragraphs, rove } from "./reading.js";
import { send } from "./service.js";
import { summary } from "./summary.js";
import { takeaway } from "./takeaway.js";
import { axisName, language, listed, number, percent, t } from "./words.js";

const BOTH = "";
// What was typed, what was read last and what came of it, kept while other ways are gone.
const state = { typed: "", text: "", answer: null, example: null, axis: BOTH, hidden: {}, least: 0 };

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
    id: "text", rows: 4, value: state.typed, placeholder: t("article.placeholder"),
    oninput: () => { state.typed = input.value; },
    onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) read(); },
  });
  const file = make("input", { type: "file", accept: ".txt,.md,.html,.htm,text/plain,text/html", hidden: true,
    onchange: () => { if (file.files[0]) open(file.files[0]); file.value = ""; } });

  const put = (text) => { input.value = state.typed = text; };

  // An address that carries a text carries the one that is shown.
  async function show(text, { from = null, linked = false } = {}) {
    if (!linked && location.hash.includes("=")) history.replaceState(null, "", "#article");
    Object.assign(state, { text, example: from });
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await analysed(text);
      if (state.text !== text) return; // another text was asked for meanwhile
      state.answer = answer;
      say(t("article.found", { n: state.answer.statements.length }));
      paint(result, axes);
    } catch (problem) {
      if (state.text !== text) return;
      state.answer = null;
      result.replaceChildren(failure(problem, () => show(text, { from, linked })));
    } finally {
      result.removeAttribute("aria-busy");
    }
  }
  async function open(chosen) {
    try {
      put(await textOf(chosen));
    } catch (problem) {
      return result.replaceChildren(failure(problem));
    }
    return read();
  }
  const wrong = (words) => result.replaceChildren(make("p", { class: "problem", role: "alert" }, words));
  const read = () => (input.value.trim() ? show(input.value) : wrong(t("problems.blank_text")));

  const form = make("form", { class: "compose", onsubmit: (event) => { event.preventDefault(); read(); } },
    make("label", { for: "text" }, t("article.label")), input,
    make("p", { class: "actions" },
      make("button", { type: "submit", class: "chief" }, t("article.read")),
      button(t("article.open"), () => file.click()),
      button(t("article.example"), () => show(example(), { from: language })), file));
  onDrop(root, open);
  root.replaceChildren(make("h1", {}, t("titles.article")), form, result);

  if (fragment) {
    const text = await textOfLink(fragment);
    if (text === null) return wrong(t("article.link_broken"));
    if (text !== state.text || !state.answer) {
      put(text);
      return show(text, { linked: true });
    }
  }
  if (!state.text || (state.example && state.example !== language)) return show(example(), { from: language });
  return state.answer ? paint(result, axes) : undefined;
}

function paint(result, axes) {
  const { text, answer } = state;
  const chosen = state.axis === BOTH ? axes.slice(0, 2) : axes.filter((axis) => axis.name === state.axis);
  const nodes = new Map(), count = make("p", { class: "small" });
  const body = make("div", { class: "reading", lang: "", role: "group", "aria-label": t("article.statements") },
    paragraphs(text, answer.statements, chosen, (node, statement) => {
      nodes.set(node, statement);
      for (const [name, value] of Object.entries({ role: "button", tabindex: "-1", "aria-pressed": "false", lang: statement.language })) {
        node.setAttribute(name, value);
      }
      return node;
    }));
  rove(body, ".statement");
  const { panel, leave } = panelOf(body, nodes, axes);
  const filter = () => {
    let kept = 0;
    for (const [node, { stances }] of nodes) {
      const passed = axes.some(({ name }) => state.hidden[name].has(verdict(stances[name])))
        || chosen.some(({ name }) => stances[name].confidence < state.least);
      node.classList.toggle("passed-over", passed);
      if (!passed) kept += 1;
    }
    const all = t("article.found", { n: nodes.size });
    count.textContent = kept < nodes.size ? `${all}, ${t("article.kept", { n: kept })}` : all;
  };
  const filtered = () => { filter(); say(count.textContent); };
  filter();
  result.replaceChildren(
    make("h2", {}, state.example ? t("article.example_title") : t("article.result_title")),
    make("div", { class: "overview" },
      axes.map((axis) => summary(axis, answer.summary[axis.name], state.hidden[axis.name], filtered)),
      make("div", { class: "view" }, count, axisChoice(axes, () => paint(result, axes)), certainty(filtered))),
    make("div", { class: "columns", onkeydown: ({ key }) => { if (key === "Escape") leave(); } },
      body, panel, takeaway(text, answer, axes)));
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
