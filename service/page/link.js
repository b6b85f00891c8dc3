// A link that carries a text behind its #, the part of an address that is never sent to a server.

// Signs of a link. Browsers take far more, but mail and chat cut off what is longer.
export const LONGEST = 16_000;
// Signs of the text in a link, twice the longest article: more was made to fill the memory of whoever opens it.
const LONGEST_TEXT = 200_000;

export async function linkOf(text) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of new Uint8Array(await new Response(packed).arrayBuffer())) binary += String.fromCharCode(byte);
  const signs = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${location.origin}/#article=${signs}`;
}

// Gives the text of such a fragment, null where it is not whole.
export async function textOfLink(signs) {
  try {
    const binary = atob(signs.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))
      .pipeThrough(new TextDecoderStream("utf-8", { fatal: true })).getReader();
    let text = "";
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      text += piece.value;
      if (text.length > LONGEST_TEXT) return null;
    }
    return text;
  } catch {
    return null;
  }
}
