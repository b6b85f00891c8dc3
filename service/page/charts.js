// Charts by plotly, loaded when the first is drawn; its looks follow the page, its rules stand in charts.css.

import { button, make } from "./elements.js";
import { number, t } from "./words.js";

let loading = null;
// The part of plotly that draws street maps, which the page has none of, would write rules of its own into the page,
// unless an element of this name is there.
const MAPS = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";

function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = make("script", { id: MAPS, src: "/page/plotly.min.js", onload: () => resolve(window.Plotly) });
    script.addEventListener("error", () => { loading = null; script.remove(); reject(new Error(t("charts.failed"))); });
    document.head.append(script);
  });
  return loading;
}

// plotly reads some markup in texts; a name that a person gave is shown as it is.
export const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["paper", "ink", "soft", "rule", "first", "second", "third", "grey", "sans"]
    .map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

export const faint = (colour) => `${colour}30`;

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };

function laid(layout, look) {
  const axis = { gridcolor: look.rule, linecolor: look.soft, zerolinecolor: look.rule, fixedrange: true, automargin: true, ticks: "outside", tickcolor: look.rule };
  return {
    height: 340, margin: { l: 56, r: 16, t: 12, b: 48 }, dragmode: false, hovermode: "closest",
    paper_bgcolor: look.paper, plot_bgcolor: look.paper, font: { family: look.sans, size: 13, color: look.ink },
    hoverlabel: { font: { family: look.sans } }, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "normal" },
    separators: `${number(0.5, 1)[1]} `, ...layout, xaxis: apart({ ...axis, ...layout.xaxis }), yaxis: apart({ ...axis, ...layout.yaxis }),
  };
}

// The title of an axis stands clear of its numbers.
const apart = (axis) => (axis.title ? { ...axis, title: { ...axis.title, standoff: 14 } } : axis);

// `drawn(look, width)` gives data and layout in the colours of the moment and for so many pixels; `table` is the same in numbers, for who cannot see.
export function chart({ title, text, file, drawn, table, heading = "h3" }) {
  const plot = make("div", { class: "plot", role: "img", "aria-label": `${title} — ${text}` });
  const save = async (format) => {
    const plotly = await library();
    plotly.downloadImage(plot, { format, filename: file, width: plot.clientWidth, height: plot.clientHeight, scale: format === "png" ? 2 : 1 });
  };
  const figure = make("figure", { class: "chart" },
    make("figcaption", {}, make(heading, {}, title), make("p", { class: "small" }, text)), plot,
    make("div", { class: "under" },
      make("details", {}, make("summary", {}, t("charts.numbers")), make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, numbers(table))),
      make("p", { class: "actions" }, button(t("charts.svg"), () => save("svg"), { "aria-label": `${title}: SVG` }),
        button(t("charts.png"), () => save("png"), { "aria-label": `${title}: PNG` }))));
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const draw = async () => {
    if (figure.dataset.drawn && !figure.isConnected) return scheme.removeEventListener("change", draw);
    try {
      const plotly = await library();
      const look = colours(), { data, layout } = drawn(look, plot.clientWidth);
      figure.dataset.drawn = "yes";
      await plotly.react(plot, data, laid(layout, look), CONFIG);
    } catch (error) {
      plot.replaceChildren(make("p", { class: "problem", role: "alert" }, error.message));
    }
    return undefined;
  };
  scheme.addEventListener("change", draw);
  requestAnimationFrame(draw); // once the figure stands in the page and has a width
  return figure;
}

const numbers = ({ header, rows }) => make("table", { class: "figures" },
  make("thead", {}, make("tr", {}, header.map((name) => make("th", { scope: "col" }, name)))),
  make("tbody", {}, rows.map((row) => make("tr", {}, row.map((value) => make("td", {}, value))))));
