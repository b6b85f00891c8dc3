// The card of a model: of Markdown what cards use, headings, lists, tables and paragraphs, and everything as text.

import { make } from "./elements.js";

const cells = (line) => line.replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

// `**strong**` and `code` within a line; what is neither stays as it is written.
const inline = (text) => text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
  if (part.startsWith("**") && part.length > 4) return make("strong", {}, part.slice(2, -2));
  return part.startsWith("`") && part.length > 2 ? make("code", {}, part.slice(1, -1)) : part;
});

export function card(markdown) {
  const found = make("div", { class: "card", lang: "en" });
  for (const block of markdown.split(/\n{2,}/)) {
    const lines = block.split("\n").filter(Boolean);
    if (!lines.length) continue;
    const heading = /^(#{1,4}) (.*)/.exec(lines[0]);
    if (heading) {
      // The page has a heading of the first level and the card one of the second above it.
      found.append(make(`h${Math.min(heading[1].length + 2, 6)}`, {}, inline(heading[2])));
      lines.shift();
    }
    if (lines.length) found.append(part(lines));
  }
  return found;
}

function part(lines) {
  if (lines[0].startsWith("|")) return table(lines);
  if (lines.every((line) => line.startsWith("- "))) {
    return make("ul", {}, lines.map((line) => make("li", {}, inline(line.slice(2)))));
  }
  return make("p", {}, inline(lines.join(" ")));
}

function table([header, , ...rows]) {
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": cells(header).join(", ") },
    make("table", { class: "figures" },
      make("thead", {}, make("tr", {}, cells(header).map((cell) => cell ? make("th", { scope: "col" }, inline(cell)) : make("td")))),
      make("tbody", {}, rows.map((row) => make("tr", {}, cells(row).map((cell) => make("td", {}, inline(cell))))))));
}
