// What this browser remembers from visit to visit; where it may not, the page forgets and works all the same.

export function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Storage is switched off or full.
  }
}
