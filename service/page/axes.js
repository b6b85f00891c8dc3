// Axes and labels are what the service says they are; their looks follow from the place of a label in its axis.

import { make } from "./elements.js";
import { get } from "./service.js";
import { axisName, labelName, percent, t } from "./words.js";

export const UNCERTAIN = "uncertain";
const PLACES = ["first", "second", "third"];
const MARKS = { first: "▲", second: "▼", third: "◆", middle: "•", uncertain: "?" };

let model = null;

export async function theModel(anew = false) {
  if (anew || !model) model = await get("/v1/model");
  return model;
}

export function place(axis, label) {
  if (label === UNCERTAIN || label === axis.neutral) return label === UNCERTAIN ? UNCERTAIN : "middle";
  const at = axis.labels.filter((each) => each !== axis.neutral).indexOf(label);
  return PLACES[Math.min(Math.max(at, 0), PLACES.length - 1)];
}

// The labels that stand against each other: the ends of the axis.
export const ends = (axis) => axis.labels.filter((label) => label !== axis.neutral).slice(0, 2);

export const verdict = (stance) => (stance.certain ? stance.label : UNCERTAIN);
export const verdictName = (axis, label) => (label === UNCERTAIN ? t("uncertain") : labelName(axis, label));

// What was said of a statement, in a line.
export const described = ({ stances }, axes) => axes.map((axis) =>
  `${axisName(axis)}: ${verdictName(axis, verdict(stances[axis.name]))} (${percent(stances[axis.name].confidence)})`).join("; ");

export const mark = (axis, label) =>
  make("span", { class: `mark is-${place(axis, label)}`, "aria-hidden": "true" }, MARKS[place(axis, label)]);
