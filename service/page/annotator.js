// Who labels: with a key it is the key's name; without keys a person is asked once, and the browser keeps the name.

import { prompted } from "./dialog.js";
import { hasKey } from "./service.js";
import { t } from "./words.js";

const KEPT = "stance-annotator";

// Gives "" where a key says who it is, null where the person did not want to say.
export async function annotator() {
  if (hasKey()) return "";
  const kept = localStorage.getItem(KEPT);
  if (kept) return kept;
  const name = await prompted({ title: t("annotator.title"), text: t("annotator.text"), label: t("annotator.label"), length: 64 });
  if (name) localStorage.setItem(KEPT, name);
  return name || null;
}
