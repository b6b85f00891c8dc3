// What the page says, in the reader's language; a name that no words file knows is shown as it is.

import { keep, recall } from "./kept.js";

export const LANGUAGES = { uk: "Українська", ru: "Русский", en: "English" };
const KEPT = "stance-language";
let words = {};
export let language = "en";
let locale = "en"; // the language with the reader's country, by whose custom dates and numbers are written

function preferred() {
  const wished = [recall(KEPT), ...navigator.languages].filter(Boolean).map((tag) => tag.slice(0, 2));
  return wished.find((tag) => tag in LANGUAGES) ?? "en";
}

// Throws, and goes on in the language of before, where the words do not come.
export async function speak(chosen) {
  const wanted = chosen ?? preferred();
  words = await (await fetch(`/page/words/${wanted}.json`)).json();
  language = wanted;
  locale = navigator.languages.find((tag) => tag.slice(0, 2) === wanted) ?? wanted;
  document.documentElement.lang = language;
  if (chosen) keep(KEPT, chosen);
}

const found = (key) => key.split(".").reduce((at, part) => at?.[part], words);

// `values` fill {places}; where the words differ by number, `values.n` says which are meant.
export function t(key, values = {}) {
  let text = found(key);
  if (text && typeof text === "object") text = text[new Intl.PluralRules(language).select(values.n)] ?? text.other;
  return String(text ?? key).replace(/\{(\w+)\}/g, (_, name) =>
    typeof values[name] === "number" ? number(values[name]) : values[name]);
}

export const knows = (key) => found(key) !== undefined;
export const listed = (key) => found(key) ?? [];

export const axisName = (axis) => found(`axes.${axis.name}.name`) ?? axis.name;
export const axisMeaning = (axis) => found(`axes.${axis.name}.meaning`) ?? axis.description;
export const labelName = (axis, label) => found(`axes.${axis.name}.labels.${label}`) ?? label;

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
export const percent = (value, digits = 0) =>
  new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
export const moment = (value) =>
  new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(new Date(value));
const dated = (iso, options) => new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }).format(new Date(iso));
export const day = (iso) => dated(iso, { dateStyle: "medium" });
export const shortDay = (iso) => dated(iso, { day: "numeric", month: "short" });
export function languageName(code) {
  if (code === "und") return t("unknown_language");
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(code);
  } catch {
    return code;
  }
}
