// Who labels: with a key it is the key's name; without keys a person is asked once, and the browser keeps the name.

import { prompted } from "./dialog.js";
import { keep, recall } from "./kept.js";
import { hasKey } from "./service.js";
import { t } from "./words.js";

const KEPT = "stance-annotator";
let named = null;

// Gives "" where a key says who it is, null where the person did not want to say; `anew` asks whoever sits here now.
export async function annotator(anew = false) {
  if (hasKey()) return "";
  named ??= recall(KEPT);
  if (named && !anew) return named;
  const given = await prompted({ title: t("annotator.title"), text: t("annotator.text"), label: t("annotator.label"), length: 64 });
  if (given) keep(KEPT, given);
  named = given ?? named;
  return named;
}
