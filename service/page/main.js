// The frame: which way is gone, in which language, and what every view needs before it begins.

import { article } from "./article.js";
import "./dialog.js";
import { make } from "./elements.js";
import { failure } from "./failure.js";
import { many } from "./many.js";
import { model } from "./model.js";
import { review } from "./review.js";
import { lost } from "./service.js";
import { LANGUAGES, language, speak, t } from "./words.js";

const WAYS = { article, file: many, review, model };
const main = document.getElementById("main");

function frame() {
  document.getElementById("skip").textContent = t("skip");
  document.getElementById("motto").textContent = t("motto");
  document.getElementById("language-label").textContent = t("language");
  document.getElementById("language").replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) =>
    make("option", { value: code, selected: code === language }, name)));
}

function asked() {
  const [way, fragment] = location.hash.slice(1).split("=");
  return way in WAYS ? { way, fragment } : { way: "article" };
}

async function show() {
  const { way, fragment } = asked();
  const nav = document.getElementById("ways");
  nav.setAttribute("aria-label", t("ways_label"));
  nav.replaceChildren(...Object.keys(WAYS).map((each) =>
    make("a", { href: `#${each}`, "aria-current": each === way ? "page" : null }, t(`ways.${each}`))));
  document.title = `${t(`titles.${way}`)} · Stance Desk`;
  const root = make("div", { class: `way ${way}` }, make("h1", {}, t(`titles.${way}`)));
  main.replaceChildren(root);
  try {
    await WAYS[way](root, fragment);
  } catch (problem) {
    root.append(failure(problem, show));
  }
}

await speak();
frame();
document.getElementById("language").addEventListener("change", async ({ target }) => {
  try {
    await speak(target.value);
  } catch {
    frame();
    main.querySelector(".way").prepend(failure(lost()));
    return;
  }
  frame();
  show();
});
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
addEventListener("hashchange", async () => { await show(); main.focus({ preventScroll: true }); });
show();
