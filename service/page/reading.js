// An article with its statements coloured in place.

import { mark, place, verdict, verdictName } from "./axes.js";
import { make, unseen } from "./elements.js";
import { axisName } from "./words.js";

const JOINER = "\u2060"; // keeps the marks on the line of the first word

// Gives the article as paragraphs; `finish` receives each statement's node and the statement, and returns the node.
// The first axis shown is the tint of a statement, the second its underline, and each has a mark before it.
export function paragraphs(text, statements, axes, finish) {
  const points = Array.from(text); // offsets of the service count code points
  const found = [make("p")];
  let at = 0;
  const between = (end) => {
    const parts = points.slice(at, end).join("").split(/\s*\n\s*/);
    parts.forEach((part, i) => {
      if (i > 0 && found.at(-1).childNodes.length) found.push(make("p"));
      if (part) found.at(-1).append(part);
    });
  };
  for (const statement of statements) {
    between(statement.start);
    found.at(-1).append(finish(marked(statement, axes), statement));
    at = statement.end;
  }
  between(points.length);
  return found.filter((each) => each.childNodes.length);
}

function marked(statement, axes) {
  const verdicts = axes.map((axis) => verdict(statement.stances[axis.name]));
  const [tint, line] = axes.map((axis, i) => place(axis, verdicts[i]));
  const told = axes.map((axis, i) => `${axisName(axis)}: ${verdictName(axis, verdicts[i])}`).join("; ");
  return make("span", { class: `statement tint-${tint} line-${line ?? tint}` },
    make("span", { class: "marks", "aria-hidden": "true" }, axes.map((axis, i) => mark(axis, verdicts[i])), JOINER),
    make("span", { class: "said" }, statement.text), unseen(` (${told}) `));
}

// One stop of the tabulator for the whole article; arrows go from statement to statement.
export function rove(container, selector) {
  const all = () => [...container.querySelectorAll(selector)];
  const first = all()[0];
  if (first) first.tabIndex = 0;
  container.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const nodes = all(), at = nodes.indexOf(event.target);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    nodes[Math.min(Math.max(at + step, 0), nodes.length - 1)].focus();
  });
  container.addEventListener("focusin", (event) => {
    const node = event.target.closest(selector);
    if (!node) return;
    for (const other of container.querySelectorAll(`${selector}[tabindex="0"]`)) other.tabIndex = -1;
    node.tabIndex = 0;
  });
}
