// How the page asks the service: with a key where one is needed, which this module holds as long as the tab lives.

import { knows, t } from "./words.js";

let key = null;
let asking = null;
let askKey = null;

export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  // In the reader's language where the code is known, else what the service said.
  get told() {
    return knows(`problems.${this.code}`) ? t(`problems.${this.code}`, { status: this.status }) : this.message;
  }
}

// `ask` shows a dialog for a key, with what was wrong with the last one, and gives the key or null.
export function onKeyNeeded(ask) {
  askKey = ask;
}

export const hasKey = () => key !== null;

// Several requests may find the key missing at once; the person is asked once.
function newKey(problem) {
  asking ??= askKey(problem).finally(() => { asking = null; });
  return asking;
}

export async function changeKey() {
  const given = await newKey(null);
  if (given) key = given;
  return Boolean(given);
}

async function refusal(answer) {
  try {
    const { code, detail } = await answer.json();
    return new Problem(answer.status, code ?? "http_error", detail ?? answer.statusText);
  } catch {
    return new Problem(answer.status, "http_error", answer.statusText);
  }
}

export const lost = () => new Problem(0, "unreachable", "");

// Gives the response once it is one of success; throws Problem, or AbortError where `signal` was.
export async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  for (;;) {
    const sent = key;
    const authorization = sent ? { Authorization: `Bearer ${sent}` } : {};
    let answer;
    try {
      answer = await fetch(path, { method, body, signal, headers: { ...headers, ...authorization } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw lost();
    }
    if (answer.ok) return answer;
    const problem = await refusal(answer);
    if (problem.status !== 401) throw problem;
    if (key !== sent) continue; // another request got a key meanwhile
    const given = await newKey(sent ? problem : null);
    if (!given) throw problem;
    key = given;
  }
}

export async function send(path, body, method = "POST") {
  const answer = await ask(path, {
    method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {},
  });
  return answer.status === 204 ? null : read(answer);
}

export const get = async (path) => read(await ask(path));

async function read(answer) {
  try {
    return await answer.json();
  } catch {
    throw lost();
  }
}
