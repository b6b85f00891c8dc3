// Way four: know the model.

import { theModel } from "./axes.js";
import { card } from "./card.js";
import { chart } from "./charts.js";
import { make } from "./elements.js";
import { failure } from "./failure.js";
import { ask, get } from "./service.js";
import { axisName, labelName, languageName, moment, number, percent, t } from "./words.js";

export async function model(root) {
  const facts = await theModel(true);
  root.replaceChildren(
    make("h1", {}, t("titles.model")), about(facts),
    make("h2", {}, t("model.figures")), make("p", { class: "lead" }, t("model.figures_text")),
    ...facts.axes.filter((axis) => facts.metrics[axis.name]).map((axis) => onAxis(axis, facts)),
    make("h2", {}, t("model.shadow")), shadow(facts),
    make("h2", {}, t("model.drift")), later(drift, facts.axes),
    make("details", { class: "whole-card" }, make("summary", {}, make("h2", {}, t("model.card"))),
      later(async () => card(await (await ask("/v1/model/card")).text()))));
}

// A part that comes when it comes and tells itself why it does not.
function later(part, ...args) {
  const place = make("div", { "aria-busy": "true" });
  const fill = async () => {
    try {
      place.replaceChildren(await part(...args));
    } catch (problem) {
      place.replaceChildren(failure(problem, fill));
    }
    place.removeAttribute("aria-busy");
  };
  fill();
  return place;
}

function about(facts) {
  const rows = [
    [t("model.version"), facts.version], [t("model.created"), moment(facts.created)], [t("model.features"), t(`model.kinds.${facts.features}`)],
    [t("model.languages"), facts.languages.map(languageName).join(", ")],
    [t("model.corpus"), t("model.rows", { n: facts.corpus.rows })],
    [t("model.thresholds"), facts.axes.map((axis) => `${axisName(axis)} ${percent(facts.thresholds[axis.name])}`).join(", ")],
  ];
  return make("dl", { class: "facts" }, rows.map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]).flat(),
    mlflow(facts.mlflow_url));
}

// Only an address of the web becomes a link: the setting could say anything.
function mlflow(address) {
  if (!address || !/^https?:\/\//.test(address)) return [];
  return [make("dt", {}, "MLflow"), make("dd", {}, make("a", { href: address, rel: "noreferrer" }, t("model.mlflow")))];
}

const share = (figure) => figure === undefined ? "" : [percent(figure.value, 1), interval(figure, (n) => percent(n, 1))];
const score = (figure) => figure === undefined ? "" : [number(figure.value, 3), interval(figure, (n) => number(n, 3))];
const interval = ({ low, high }, write) => make("span", { class: "interval" }, ` ${write(low)} – ${write(high)}`);

function onAxis(axis, facts) {
  const metrics = facts.metrics[axis.name];
  const slices = [["", metrics.all], ...Object.entries(metrics.language ?? {})];
  const measures = [
    [t("model.macro_f1"), (of) => score(of.macro_f1)], [t("model.accuracy"), (of) => share(of.accuracy)],
    ...axis.labels.map((label) => [t("model.f1", { label: labelName(axis, label) }), (of) => score(of.f1?.[label])]),
    [t("model.calibration_error"), (of) => score(of.calibration_error)],
    [t("model.answered"), (_, slice) => share(metrics.selective?.[slice || "all"]?.coverage)],
    [t("model.kept"), (_, slice) => share(metrics.selective?.[slice || "all"]?.accuracy)],
    [t("model.of_rows"), (of) => number(of.rows)],
  ];
  const name = `figures-${axis.name}`;
  return make("section", { "aria-labelledby": name, class: "on-model" },
    make("h3", { id: name }, axisName(axis)),
    make("div", { class: "scroll", tabindex: 0, role: "group", "aria-labelledby": name }, make("table", { class: "figures" },
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, t("model.measure")),
        slices.map(([slice]) => make("th", { scope: "col" }, slice ? languageName(slice) : t("model.all"))))),
      make("tbody", {}, measures.map(([measure, of]) => make("tr", {}, make("th", { scope: "row" }, measure),
        slices.map(([slice, figures]) => make("td", {}, of(figures, slice)))))))),
    make("div", { class: "charts" }, reliability(axis, metrics.reliability), coverage(axis, metrics.risk_coverage)));
}

// Ticks are given: plotly's own, where a range is narrow, would stand beyond 100 %.
function shares(range, title) {
  const span = range[1] - range[0];
  return { tickformat: ".0%", range, tick0: 0, dtick: span < 0.3 ? 0.05 : span < 0.7 ? 0.1 : 0.2, title: { text: title } };
}
const bounded = (values) => [Math.min(...values) - 0.03, 1.02];

function reliability(axis, bins) {
  if (!bins?.length) return null;
  const x = bins.map((bin) => bin.confidence), y = bins.map((bin) => bin.accuracy);
  const low = bounded([...x, ...y]);
  return chart({
    title: t("charts.reliability"), text: t("charts.reliability_text"), file: `reliability-${axis.name}`,
    table: { header: [t("charts.confidence"), t("charts.right"), t("model.of_rows")],
      rows: bins.map((bin) => [percent(bin.confidence, 1), percent(bin.accuracy, 1), number(bin.rows)]) },
    drawn: (look) => ({
      data: [
        { x: low, y: low, mode: "lines", line: { color: look.grey, width: 1, dash: "dot" }, name: t("charts.perfect"), hoverinfo: "skip" },
        { x, y, mode: "lines+markers", line: { color: look.first, width: 2 }, marker: { size: 8 }, name: axisName(axis), showlegend: false,
          hoverinfo: "text", hovertext: bins.map((bin) => `${percent(bin.confidence)} → ${percent(bin.accuracy)}`) },
      ],
      layout: { xaxis: shares(low, t("charts.confidence")), yaxis: shares(low, t("charts.right")) },
    }),
  });
}

function coverage(axis, points) {
  if (!points?.length) return null;
  const x = points.map((point) => point.coverage), y = points.map((point) => point.accuracy);
  return chart({
    title: t("charts.coverage_title"), text: t("charts.coverage_text"), file: `risk-coverage-${axis.name}`,
    table: { header: [t("charts.coverage"), t("charts.right"), t("charts.confidence")],
      rows: points.map((point) => [percent(point.coverage), percent(point.accuracy, 1), percent(point.confidence, 1)]) },
    drawn: (look) => ({
      data: [{ x, y, mode: "lines+markers", line: { color: look.second, width: 2 }, marker: { size: 8, symbol: "square" }, showlegend: false,
        hoverinfo: "text", hovertext: points.map((point) => `${percent(point.coverage)} → ${percent(point.accuracy)}`) }],
      layout: { xaxis: shares([0, 1.02], t("charts.coverage")), yaxis: shares(bounded(y), t("charts.right")) },
    }),
  });
}

function shadow({ shadow: challenger, axes }) {
  if (!challenger) return make("p", { class: "lead" }, t("model.shadow_none"));
  return make("div", {},
    make("p", {}, t("model.shadow_text", { version: challenger.version, share: percent(challenger.share) })),
    make("ul", {}, axes.filter((axis) => challenger.compared[axis.name]).map((axis) => make("li", {}, axisName(axis), ": ",
      t("model.agrees", { share: percent(challenger.agreement[axis.name], 1), n: challenger.compared[axis.name] })))));
}

async function drift(axes) {
  const { texts, expected_texts: expected, features } = await get("/v1/drift");
  const named = (name) => {
    const axis = axes.find((each) => name.startsWith(`${each.name}_`));
    return axis ? t(`model.feature_names.${name.slice(axis.name.length + 1)}`, { axis: axisName(axis) }) : t(`model.feature_names.${name}`);
  };
  return make("div", { class: "drift" },
    make("p", { class: "lead" }, t("model.drift_text", { n: texts, expected })),
    make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": t("model.drift") }, make("table", { class: "figures" },
      make("thead", {}, make("tr", {}, ["feature", "index", "verdict"].map((key) => make("th", { scope: "col" }, t(`model.${key}`))))),
      make("tbody", {}, Object.entries(features).map(([name, feature]) => make("tr", {},
        make("th", { scope: "row" }, named(name)),
        make("td", {}, feature.index === null ? "—" : number(feature.index, 3)),
        make("td", {}, t(`model.verdicts.${feature.verdict}`))))))));
}
