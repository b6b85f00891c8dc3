// Days as people write them, counted from 1970, and the spans of time into which they are gathered.

const DAY = 86_400_000; // milliseconds

// The day that is written, as 2026-02-13 and whatever follows it, 13.02.2026, or 13 Feb 2026 as feeds have it; null where
// none is. What a browser would make of anything else ("7" is a day in 2001) is no date.
export function dayOf(value) {
  const text = String(value ?? "").trim();
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/.exec(text), local = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)/.exec(text);
  if (iso) return found(iso[1], iso[2], iso[3]);
  if (local) return found(local[3], local[2], local[1]);
  const feed = /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4})\b/.exec(text);
  return feed ? found(feed[3], new Date(`1 ${feed[2]} 2000 UTC`).getUTCMonth() + 1, feed[1]) : null;
}

// No 13th month, and no day that a month has not.
function found(year, month, day) {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === Number(day) ? date.getTime() / DAY : null;
}

// The day, week or month, whichever leaves few enough points, as the date on which it begins.
export function buckets(days) {
  const [first, last] = days.reduce(([low, high], day) => [Math.min(low, day), Math.max(high, day)], [Infinity, -Infinity]);
  const iso = (day) => new Date(day * DAY).toISOString().slice(0, 10);
  if (last - first <= 62) return iso;
  if (last - first <= 430) return (day) => iso(day - ((day + 3) % 7));
  return (day) => `${iso(day).slice(0, 7)}-01`;
}
