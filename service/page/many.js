// Way two: a whole file.

import { theModel } from "./axes.js";
import { button, make, say } from "./elements.js";
import { failure } from "./failure.js";
import { onDrop } from "./file.js";
import { AT, columnOf, rowsView } from "./rows.js";
import { Problem } from "./service.js";
import { answered, counted, recognised } from "./stream.js";
import { holders, timeline } from "./trends.js";
import { t } from "./words.js";

const PAINT_EVERY = 400; // milliseconds; oftener would take time from reading

// What was asked for and what came of it, kept while other ways are gone.
const run = { file: null, found: null, rows: [], errors: 0, total: 0, outcome: null, problem: null, stopping: null };
let painted = () => {};

export async function many(root) {
  const { axes } = await theModel();
  const setup = make("div"), state = make("div", { class: "state" }), table = make("div"), charts = make("div", { class: "charts" });
  const file = make("input", { type: "file", accept: ".csv,.tsv,.ndjson,.jsonl,.json,text/csv,application/x-ndjson", hidden: true,
    onchange: () => { if (file.files[0]) take(file.files[0]); file.value = ""; } });
  root.replaceChildren(make("h1", {}, t("titles.file")), make("p", { class: "lead" }, t("file.lead")),
    make("div", { class: "drop" }, button(t("file.choose"), () => file.click(), { class: "chief" }), make("p", { class: "hint" }, t("file.or_drop")), file),
    setup, state, table, charts);
  onDrop(root, take);
  let view = null;

  async function take(chosen) {
    run.stopping?.abort();
    Object.assign(run, { file: chosen, found: null, rows: [], errors: 0, outcome: null, problem: null });
    for (const part of [setup, state, table, charts]) part.replaceChildren();
    view = null;
    if (chosen.size === 0) return wrong("file.empty");
    try {
      const found = await recognised(chosen);
      if (run.file !== chosen) return undefined; // another was given meanwhile
      run.found = found;
    } catch (problem) {
      return setup.replaceChildren(failure(problem));
    }
    if (!run.found) return wrong("file.none");
    offer();
    return setup.querySelector("select").focus();
  }

  const wrong = (key) => setup.replaceChildren(make("p", { class: "problem", role: "alert" }, t(key)));

  function offer() {
    const choice = make("select", { onchange: () => { run.found.column = choice.value; } }, run.found.header.map((name) =>
      make("option", { value: name, selected: name === run.found.column }, name)));
    setup.replaceChildren(make("div", { class: "sending" }, make("p", { class: "file-name" }, run.file.name),
      make("label", {}, t("file.column"), choice), button(t("file.start"), start, { class: "chief" }),
      button(t("file.stop"), () => run.stopping?.abort(), { class: "stop" })));
    buttons();
  }

  function buttons() {
    const [begin, stop] = setup.querySelectorAll("button");
    if (!begin) return;
    begin.disabled = run.stopping !== null;
    stop.disabled = run.stopping === null;
  }

  async function start() {
    const stopping = new AbortController(), mine = () => run.stopping === stopping;
    Object.assign(run, { rows: [], errors: 0, outcome: null, problem: null, stopping, total: 0 });
    table.replaceChildren();
    charts.replaceChildren();
    view = null;
    painted();
    counted(run.file, run.found.form).then((total) => { if (mine()) run.total = total; });
    say(t("file.sending"));
    let last = 0;
    try {
      for await (const rows of answered(run.file, run.found, stopping.signal)) {
        if (!mine()) return;
        for (const row of rows) {
          row[AT] = run.rows.push(row);
          if (row.stance_error) run.errors += 1;
        }
        if (performance.now() - last > PAINT_EVERY) {
          last = performance.now();
          painted();
        }
      }
      run.outcome = "done";
    } catch (problem) {
      if (!mine()) return;
      run.outcome = problem.name === "AbortError" ? "stopped" : "cut";
      if (run.outcome === "cut" && !run.rows.length) run.problem = problem;
      if (!(problem instanceof Problem) && problem.name !== "AbortError") throw problem;
    } finally {
      if (mine()) {
        run.stopping = null;
        painted();
        say(state.textContent);
      }
    }
  }

  function paint() {
    buttons();
    const { rows, outcome, problem, stopping } = run;
    if (problem) state.replaceChildren(failure(problem, start));
    else if (outcome) {
      state.replaceChildren(make("p", outcome === "cut" ? { class: "problem", role: "alert" } : {},
        t(`file.${outcome}`, { n: rows.length, errors: run.errors })));
    } else if (stopping) {
      const known = rows.length && run.total;
      state.replaceChildren(make("progress", { "aria-label": t("file.progress"), ...(known ? { max: Math.max(run.total, rows.length), value: rows.length } : {}) }),
        make("p", { class: "small" }, known ? t("file.running", { n: rows.length, total: run.total }) : t("file.sending")));
    }
    if (!rows.length) return;
    if (!view) {
      view = rowsView(rows, axes, run.found);
      table.replaceChildren(view.node);
    }
    view.more();
    if (outcome && !charts.childNodes.length) draw();
  }

  function draw() {
    const [date, holder] = [["date"], ["holder", "source"]].map((names) => columnOf(run.found.header, names));
    const found = date ? axes.map((axis) => timeline(run.rows, axis, date)) : [];
    if (holder && axes.length > 1) found.push(holders(run.rows, axes, holder));
    charts.replaceChildren(...found.filter(Boolean));
    if (date && !found[0]) charts.prepend(make("p", { class: "small" }, t("charts.no_dates", { name: date })));
  }

  painted = paint;
  if (run.found) offer();
  paint();
}
