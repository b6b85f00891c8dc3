// The table form of the service, and CSV both ways.

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+([.,]\d+)?$/;

// Columns that scoring adds, in the service's order.
export function columns(axes) {
  const added = ["stance_language", "stance_version", "stance_error"];
  for (const axis of axes) {
    const name = `stance_${axis.name}`;
    added.push(name, `${name}_confidence`, `${name}_certain`, `${name}_reason`);
    added.push(...axis.labels.map((label) => `${name}_p_${label}`));
  }
  return added;
}

export function flat(prediction, version) {
  const row = { stance_language: prediction.language, stance_version: version };
  for (const [axis, stance] of Object.entries(prediction.stances)) {
    const name = `stance_${axis}`;
    row[name] = stance.label;
    row[`${name}_confidence`] = stance.confidence;
    row[`${name}_certain`] = stance.certain;
    row[`${name}_reason`] = stance.reason;
    for (const [label, p] of Object.entries(stance.probabilities)) row[`${name}_p_${label}`] = p;
  }
  return row;
}

// The way back: the stance of a row on an axis, null where the row has an error.
export function stanceOf(row, axis) {
  const name = `stance_${axis.name}`;
  if (row.stance_error || !row[name]) return null;
  return {
    label: row[name],
    confidence: Number(row[`${name}_confidence`]),
    certain: String(row[`${name}_certain`]) === "true",
    reason: row[`${name}_reason`] || undefined,
    probabilities: Object.fromEntries(axis.labels.map((label) => [label, Number(row[`${name}_p_${label}`])])),
  };
}

export const shown = (value) =>
  value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);

// A cell that a spreadsheet would run as a formula is led by an apostrophe, except a number.
function cell(value) {
  let text = shown(value);
  if (FORMULA.test(text) && !NUMBER.test(text)) text = `'${text}`;
  return /[",;\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// With the byte order mark by which spreadsheets know UTF-8.
export const csv = (header, rows) =>
  "\ufeff" + [header, ...rows.map((row) => header.map((name) => row[name]))]
    .map((cells) => cells.map(cell).join(",")).join("\r\n") + "\r\n";

// Reads CSV as it comes: `put` gives the rows that a piece completes, each a list of cells.
export function csvReader(delimiter = ",") {
  let cells = [], text = "", quoted = false, closing = false, begun = false;
  return {
    put(piece) {
      const rows = [];
      for (const sign of piece) {
        if (closing) {
          closing = false;
          if (sign === '"') { text += '"'; continue; }
          quoted = false;
        }
        if (quoted) {
          if (sign === '"') closing = true; else text += sign;
        } else if (sign === '"' && text === "") {
          quoted = begun = true;
        } else if (sign === delimiter) {
          cells.push(text);
          text = "";
          begun = true;
        } else if (sign === "\n" || sign === "\r") {
          if (begun || text) rows.push([...cells, text]);
          cells = []; text = ""; begun = false;
        } else {
          text += sign;
        }
      }
      return rows;
    },
  };
}

// The header of a CSV file by the delimiter that occurs most in it, as the service finds it.
export function headerOf(text) {
  const plain = text.replace(/^\ufeff/, "");
  const line = plain.split("\n", 1)[0];
  const delimiter = [",", ";", "\t"].reduce((best, each) => line.split(each).length > line.split(best).length ? each : best);
  const rows = csvReader(delimiter).put(`${plain}\n`);
  return { delimiter, header: rows[0] ?? [], sample: rows.slice(1, 20) };
}
