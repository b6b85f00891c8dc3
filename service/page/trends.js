// What many rows say together: shares over time, and where the holders stand.

import { ends, place } from "./axes.js";
import { chart, faint, plain } from "./charts.js";
import { buckets, dayOf } from "./dates.js";
import { labels } from "./labels.js";
import { stanceOf } from "./table.js";
import { axisName, day, labelName, number, percent, shortDay, t } from "./words.js";

const TALL = 460, BESIDE = 92, BELOW = 74; // pixels of the map, and of it what its axes take

// As many dates below the line as fit, in the reader's language, the year under the day.
function dates(x) {
  const every = Math.ceil(x.length / (innerWidth < 560 ? 3 : 5)), tickvals = x.filter((_, i) => i % every === 0);
  return { tickvals, ticktext: tickvals.map((date) => `${shortDay(date)}<br>${date.slice(0, 4)}`), tickangle: 0 };
}

// Wilson's interval, which holds where the count is small and the share near 0 or 1.
function band(count, total) {
  if (!total) return [null, null];
  const z = 1.96, share = count / total, scale = 1 + z * z / total;
  const middle = (share + z * z / (2 * total)) / scale;
  const half = z * Math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale;
  return [Math.max(middle - half, 0), Math.min(middle + half, 1)];
}

export function timeline(rows, axis, column) {
  const dated = rows.map((row) => [dayOf(row[column]), stanceOf(row, axis)]).filter(([day, stance]) => day !== null && stance);
  if (!dated.length) return null;
  const bucket = buckets(dated.map(([day]) => day));
  const counts = new Map();
  for (const [day, stance] of dated) {
    const name = bucket(day);
    if (!counts.has(name)) counts.set(name, { total: 0, certain: 0, labels: {} });
    const at = counts.get(name);
    at.total += 1;
    if (stance.certain) {
      at.certain += 1;
      at.labels[stance.label] = (at.labels[stance.label] ?? 0) + 1;
    }
  }
  const x = [...counts.keys()].sort(), points = x.map((name) => counts.get(name));
  const share = (label) => points.map((at) => (at.certain ? (at.labels[label] ?? 0) / at.certain : null));
  const abstained = points.map((at) => 1 - at.certain / at.total);
  const written = (value) => (value === null ? "—" : percent(value));
  return chart({
    heading: "h2",
    title: `${t("charts.time")}: ${axisName(axis)}`, text: t("charts.time_text"), file: `over-time-${axis.name}`,
    table: { header: [t("charts.date"), ...ends(axis).map((label) => labelName(axis, label)), t("charts.abstained"), "n"],
      rows: x.map((name, i) => [day(name), ...ends(axis).map((label) => written(share(label)[i])), written(abstained[i]), number(points[i].total)]) },
    drawn: (look) => ({
      data: [...ends(axis).flatMap((label) => line(axis, label, look)),
        { x, y: abstained, mode: "lines", name: t("charts.abstained"), line: { color: look.grey, width: 2, dash: "dot" }, hoverinfo: "text", hovertext: abstained.map(written) }],
      layout: { xaxis: { type: "date", ...dates(x) }, yaxis: { tickformat: ".0%", range: [-0.02, 1.02], title: { text: t("charts.share") } } },
    }),
  });

  function line(axis, label, look) {
    const colour = look[place(axis, label)], at = points.map((point) => band(point.labels[label] ?? 0, point.certain));
    const edge = { x, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
    return [{ ...edge, y: at.map(([low]) => low) }, { ...edge, y: at.map(([, high]) => high), fill: "tonexty", fillcolor: faint(colour) },
      { x, y: share(label), mode: "lines+markers", name: plain(labelName(axis, label)), line: { color: colour, width: 2.5 },
        marker: { size: 7, symbol: place(axis, label) === "first" ? "triangle-up" : "triangle-down" },
        hoverinfo: "text", hovertext: share(label).map(written) }];
  }
}

const leaning = (axis, stance) => {
  const [up, down] = ends(axis);
  return stance.probabilities[up] - (down ? stance.probabilities[down] : 0);
};

export function holders(rows, [across, up], column) {
  const found = new Map();
  for (const row of rows) {
    const name = String(row[column] ?? "").trim(), one = stanceOf(row, across), other = stanceOf(row, up);
    if (!name || !one || !other) continue;
    if (!found.has(name)) found.set(name, { name, n: 0, x: 0, y: 0 });
    const at = found.get(name);
    at.n += 1;
    at.x += leaning(across, one);
    at.y += leaning(up, other);
  }
  if (!found.size) return null;
  const all = [...found.values()].map((at) => ({ ...at, x: at.x / at.n, y: at.y / at.n })).sort((one, other) => other.n - one.n);
  const radius = (at) => 5 + 17 * Math.sqrt(at.n / all[0].n);
  // As wide as the holders stand apart, the same on both axes and both ways, so that the middle stays the middle.
  const edge = all.reduce((most, at) => Math.max(most, Math.abs(at.x), Math.abs(at.y)), 0.2) * 1.25;
  const scale = (axis) => ({ range: [-edge, edge], zeroline: true, nticks: 7, title: { text: plain(axisName(axis)) } });
  // The name of an end stands at its edge, in the middle of the other axis.
  const end = (axis, at, sign, look, place) => ends(axis)[at] && { text: sign.replace("_", plain(labelName(axis, ends(axis)[at]))),
    xref: "paper", yref: "paper", x: 0.5, y: 0.5, showarrow: false, font: { color: look.soft }, ...place };
  const figure = chart({
    heading: "h2",
    title: t("charts.map"), text: t("charts.map_text"), file: "holders",
    table: { header: [t("charts.holder"), axisName(across), axisName(up), "n"],
      rows: all.slice(0, 500).map((at) => [at.name, number(at.x, 2), number(at.y, 2), number(at.n)]) },
    drawn: (look, width) => {
      const pixel = (value, length) => (value / edge + 1) / 2 * length;
      const points = all.map((at) => ({ name: at.name, x: pixel(at.x, width - BESIDE), y: pixel(-at.y, TALL - BELOW), radius: radius(at) }));
      const named = labels(points, width - BESIDE);
      return {
        data: [{ x: all.map((at) => at.x), y: all.map((at) => at.y), mode: "markers+text", text: named.map(({ name }) => plain(name)),
          textposition: named.map(({ side }) => side), textfont: { size: 12, color: look.ink }, hoverinfo: "text", cliponaxis: false,
          hovertext: all.map((at) => `${plain(at.name)}<br>${t("charts.statements", { n: at.n })}`),
          marker: { size: all.map((at) => 2 * radius(at)), color: faint(look.first), line: { color: look.first, width: 1.5 } } }],
        layout: { height: TALL, showlegend: false, xaxis: scale(across), yaxis: scale(up), annotations: [
          end(across, 0, "_ →", look, { x: 1, xanchor: "right", yanchor: "bottom" }), end(across, 1, "← _", look, { x: 0, xanchor: "left", yanchor: "bottom" }),
          end(up, 0, "↑ _", look, { y: 1, yanchor: "top", xanchor: "left" }), end(up, 1, "↓ _", look, { y: 0, yanchor: "bottom", xanchor: "left" }),
        ].filter(Boolean) },
      };
    },
  });
  figure.classList.add("map");
  return figure;
}
