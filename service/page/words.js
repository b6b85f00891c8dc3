// What the page says, in the reader's language; a name that no words file knows is shown as it is.

export const LANGUAGES = { uk: "Українська", ru: "Русский", en: "English" };
const KEPT = "stance-language";
let words = {};
export let language = "en";

function preferred() {
  const kept = localStorage.getItem(KEPT);
  const wished = [kept, ...navigator.languages].filter(Boolean).map((tag) => tag.slice(0, 2));
  return wished.find((tag) => tag in LANGUAGES) ?? "en";
}

export async function speak(chosen) {
  if (chosen) localStorage.setItem(KEPT, chosen);
  language = chosen ?? preferred();
  words = await (await fetch(`/page/words/${language}.json`)).json();
  document.documentElement.lang = language;
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
  new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
export const percent = (value, digits = 0) =>
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits }).format(value);
export const moment = (value) =>
  new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }).format(new Date(value));
const dated = (iso, options) => new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" }).format(new Date(iso));
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
