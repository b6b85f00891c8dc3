// A table of which only the rows in sight are in the page, so that it scrolls alike at ten rows and at a million.

import { button, make, styled } from "./elements.js";

const HEIGHT = 44; // pixels of a row; grid.css says the same
const BEYOND = 6; // rows made ready above and below what is in sight

let grids = 0;

const least = ({ width }) => parseFloat(width.replace("minmax(", "")); // in rem; head and rows are never narrower

// `columns`: {name, title, width, cell(row), value(row)}; `open(row)` is called for the row that a person chose.
export function grid({ columns, label, open, sorted }) {
  const id = `grid-${++grids}`;
  const made = new Map();
  let rows = [], active = -1, waiting = false;
  const order = { name: null, down: false };
  const heads = columns.map((column) => make("div", { role: "columnheader", "aria-sort": "none" },
    button(column.title, () => sort(column.name))));
  const body = make("div", { role: "rowgroup", class: "rows" });
  const node = styled(make("div", {
    class: "grid", role: "grid", tabindex: 0, "aria-label": label, "aria-colcount": columns.length,
    onscroll: soon, onkeydown: pressed,
  }, make("div", { role: "rowgroup", class: "head" }, make("div", { role: "row", "aria-rowindex": 1 }, heads)), body),
  { "--columns": columns.map((column) => column.width).join(" "), "--least": `${columns.reduce((sum, column) => sum + least(column), 0)}rem` });
  body.addEventListener("click", ({ target }) => {
    const row = target.closest("[role=row]");
    if (row) choose(Number(row.dataset.at), true);
  });
  new ResizeObserver(soon).observe(node);

  function sort(name) {
    order.down = order.name === name && !order.down;
    order.name = name;
    columns.forEach((column, i) => heads[i].setAttribute("aria-sort",
      column.name !== name ? "none" : order.down ? "descending" : "ascending"));
    sorted();
  }

  // Once a frame, however often it is asked for.
  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; paint(); });
  }

  function paint() {
    const first = Math.max(Math.floor(node.scrollTop / HEIGHT) - BEYOND, 0);
    const last = Math.min(Math.ceil((node.scrollTop + node.clientHeight) / HEIGHT) + BEYOND, rows.length);
    for (const [at, row] of made) if (at < first || at >= last) { row.remove(); made.delete(at); }
    const fresh = document.createDocumentFragment();
    for (let at = first; at < last; at += 1) if (!made.has(at)) fresh.append(line(at));
    body.append(fresh);
  }

  function line(at) {
    const row = make("div", { role: "row", id: `${id}-${at}`, "aria-rowindex": at + 2, "aria-selected": String(at === active) },
      columns.map((column) => make("div", { role: "gridcell" }, column.cell(rows[at]))));
    row.dataset.at = at;
    made.set(at, row);
    return styled(row, { transform: `translateY(${at * HEIGHT}px)` });
  }

  function choose(at, opening) {
    made.get(active)?.setAttribute("aria-selected", "false");
    active = at;
    const top = at * HEIGHT, head = body.offsetTop;
    if (top < node.scrollTop) node.scrollTop = top;
    if (top + HEIGHT + head > node.scrollTop + node.clientHeight) node.scrollTop = top + HEIGHT + head - node.clientHeight;
    paint();
    made.get(at)?.setAttribute("aria-selected", "true");
    node.setAttribute("aria-activedescendant", `${id}-${at}`);
    if (opening) open(rows[at]);
  }

  function pressed(event) {
    if (event.target !== node || !rows.length) return;
    const page = Math.max(Math.floor(node.clientHeight / HEIGHT) - 2, 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      choose(Math.min(Math.max(active + step, 0), rows.length - 1), false);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      open(rows[active]);
    }
  }

  return {
    node,
    order,
    columns,
    // Shows these rows, from the top unless more of the same came.
    show(next, more) {
      rows = next;
      if (!more) {
        active = -1;
        node.removeAttribute("aria-activedescendant");
        node.scrollTop = 0;
      }
      for (const row of made.values()) row.remove();
      made.clear();
      node.setAttribute("aria-rowcount", rows.length + 1);
      styled(body, { height: `${rows.length * HEIGHT}px` });
      paint();
    },
  };
}
