// Plates as the server compares them: normalised, with wildcards, folded for look-alikes.

const LOOK_ALIKES = ["0ODQ", "1IL", "2Z", "5S", "8B", "6G"];
const folded = new Map(LOOK_ALIKES.flatMap((group) => [...group].map((sign) => [sign, group[0]])));

// Upper case, letters and digits and the wildcards * and ?, nothing else.
export function normalize(text) {
  const upper = text.normalize("NFKC").toUpperCase().normalize("NFKC");
  return upper.replace(/[^\p{L}\p{N}*?]/gu, "");
}

// Without a letter or a digit there is nothing to look for.
export const saysSomething = (text) => /[\p{L}\p{N}]/u.test(text);

// "B0Z" and "8O2" are both "802".
export const fold = (text) => [...text].map((sign) => folded.get(sign) ?? sign).join("");

// Whether `*` (any run) and `?` (one sign) can stand for what they must; no pattern makes it slow.
export function isLike(text, pattern) {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let seen = 0; seen < text.length; ) {
    if (pattern[at] === "?" || pattern[at] === text[seen]) {
      at += 1;
      seen += 1;
    } else if (pattern[at] === "*") {
      star = at++;
      resume = seen;
    } else if (star >= 0) {
      at = star + 1;
      seen = ++resume;
    } else return false;
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
