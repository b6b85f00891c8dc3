// A file on its way through the service: what it is, how many rows it has, and the answered rows as they come.

import { encodingOf } from "./file.js";
import { ask, lost } from "./service.js";
import { csvReader, headerOf } from "./table.js";

const CLIP = 262_144;

// Gives form, encoding, the names of the columns and the likeliest one for the text; null where it is no table. Throws
// Problem where the file cannot be read or is not text.
export async function recognised(file) {
  const encoding = await encodingOf(file);
  const text = new TextDecoder(encoding).decode(await file.slice(0, CLIP).arrayBuffer()).replace(/^\ufeff/, "");
  const first = text.split("\n", 1)[0].trim();
  if (/\.(ndjson|jsonl|json)$/i.test(file.name) || first.startsWith("{")) {
    const rows = text.split("\n").slice(0, 20).map(parsed).filter((row) => row && typeof row === "object" && !Array.isArray(row));
    const header = [...new Set(rows.flatMap(Object.keys))];
    const sample = rows.map((row) => header.map((name) => (typeof row[name] === "string" ? row[name] : "")));
    return header.length ? { form: "ndjson", encoding, header, column: likeliest(header, sample) } : null;
  }
  const { header, sample } = headerOf(text);
  return header.some((name) => name.trim()) ? { form: "csv", encoding, header, column: likeliest(header, sample) } : null;
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function likeliest(header, sample) {
  if (header.includes("text")) return "text";
  const length = (at) => sample.reduce((sum, row) => sum + (row[at]?.length ?? 0), 0);
  return header.reduce((best, name, at) => (length(at) > length(header.indexOf(best)) ? name : best), header[0]);
}

// Counts line ends outside of quotes; near enough to show how far it is.
export async function counted(file, form) {
  const reader = file.stream().getReader();
  let rows = 0, quoted = false;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    for (const byte of value) {
      if (byte === 34 && form === "csv") quoted = !quoted;
      else if (byte === 10 && !quoted) rows += 1;
    }
  }
  return Math.max(rows - (form === "csv" ? 1 : 0), 1);
}

// Yields the answered rows in lists; throws Problem where the answer breaks off, AbortError where it is stopped.
export async function* answered(file, { form, encoding, column }, signal) {
  const type = form === "csv" ? `text/csv; charset=${encoding}` : "application/x-ndjson";
  // JSON is UTF-8 for whoever reads it, and the encoding of a CSV file is named.
  const body = form === "csv" || encoding === "utf-8" ? file : new Blob([new TextDecoder(encoding).decode(await file.arrayBuffer())]);
  const query = new URLSearchParams({ text_column: column });
  const answer = await ask(`/v1/predict/bulk?${query}`, { method: "POST", body, headers: { "Content-Type": type }, signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = form === "csv" ? fromCsv() : fromLines();
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw lost();
    }
    if (piece.done) break;
    const rows = parser.put(piece.value);
    if (rows.length) yield rows;
  }
  if (!parser.whole()) throw lost();
}

function fromCsv() {
  const reader = csvReader();
  let header = null;
  return {
    put(text) {
      const rows = reader.put(text);
      header ??= rows.shift();
      return rows.map((cells) => Object.fromEntries(header.map((name, at) => [name, cells[at]])));
    },
    whole: () => header !== null, // a CSV cut short ends without its last chunk, which reading reports
  };
}

function fromLines() {
  let rest = "", end = false;
  return {
    put(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      const rows = lines.filter(Boolean).map((line) => JSON.parse(line));
      if (rows.at(-1)?.done === true && "errors" in rows.at(-1) && !("stance_version" in rows.at(-1))) {
        rows.pop();
        end = true;
      }
      return rows;
    },
    whole: () => end,
  };
}
