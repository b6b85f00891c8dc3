// Files as people have them: text in the encodings of the region, and web pages of which only the words are wanted.

import { Problem } from "./service.js";

const APART = "p,div,section,article,li,h1,h2,h3,h4,h5,h6,blockquote,tr,dd,dt,figcaption,pre";
const NO_PROSE = "script,style,template,noscript,nav,header,footer,aside,form,button,select,svg,iframe,figure";
const CLIP = 1 << 20; // bytes by which an encoding is told
const LARGEST = 10_000_000; // bytes; no article is longer, even as a web page

// UTF-8 where it is that, else what a byte order mark says, else the one-byte encoding of Cyrillic.
// Throws Problem where the file cannot be read or is not text.
export async function encodingOf(file) {
  let bytes;
  try {
    bytes = new Uint8Array(await file.slice(0, CLIP).arrayBuffer());
  } catch {
    throw new Problem(0, "file_unreadable", ""); // a folder, or gone from the disk
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes.some((byte) => byte < 9)) throw new Problem(0, "file_no_text", ""); // control characters that no text holds
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }); // a clip may end within a letter
    return "utf-8";
  } catch {
    return "windows-1251";
  }
}

export async function textOf(file) {
  if (file.size > LARGEST) throw new Problem(0, "text_too_long", "");
  const text = new TextDecoder(await encodingOf(file)).decode(await file.arrayBuffer());
  return /\.x?html?$/i.test(file.name) || /html/.test(file.type) ? proseOf(text) : text;
}

// A parsed document that is never shown loads nothing and runs nothing.
export function proseOf(html) {
  // Inline styles go first: the policy would be applied, and complain of each, even in a document that is not shown.
  const plain = html.replace(/<style\b[\s\S]*?<\/style\s*>/gi, "").replace(/\sstyle\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, "");
  const parsed = new DOMParser().parseFromString(plain, "text/html");
  const body = parsed.querySelector("article") ?? parsed.querySelector("main") ?? parsed.body;
  for (const node of body.querySelectorAll(NO_PROSE)) node.remove();
  for (const node of body.querySelectorAll("br")) node.replaceWith("\n");
  for (const node of body.querySelectorAll(APART)) {
    node.prepend("\n\n");
    node.append("\n\n");
  }
  return body.textContent.replace(/[^\S\n]+/g, " ").replace(/ ?\n ?/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}

// A file may be dropped anywhere; a way that takes none has it refused, for a browser would leave the page and open it.
let taker = null;

// As long as `root` is shown, `take` is given what is dropped.
export function onDrop(root, take) {
  taker = { root, take };
}

function over(event) {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  const takes = Boolean(taker?.root.isConnected);
  event.dataTransfer.dropEffect = takes ? "copy" : "none";
  document.documentElement.classList.toggle("over", takes && event.type === "dragover");
  if (takes && event.type === "drop" && event.dataTransfer.files[0]) taker.take(event.dataTransfer.files[0]);
}

addEventListener("dragover", over);
addEventListener("drop", over);
addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.documentElement.classList.remove("over"); });
