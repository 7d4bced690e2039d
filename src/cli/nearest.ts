/** Guesses the word that a user meant. Pure. */

import { distance } from 'fastest-levenshtein'

/** The only name that begins with `word`, else the one that differs by the fewest edits, if they are few; `cache_dir` and `cacheDir` are `cache-dir`. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const written = word
    .replaceAll('_', '-')
    .replace(/[a-z](?=[A-Z])/g, '$&-')
    .toLowerCase()
  const ranked = names.map((name) => ({ name, edits: distance(written, name) })).sort((a, b) => a.edits - b.edits)
  const begun = names.filter((name) => written.length > 1 && name.startsWith(written))
  if (begun.length === 1) return begun[0]
  const best = ranked[0]
  return best !== undefined &&
    best.edits <= Math.max(2, Math.floor(written.length / 3)) &&
    best.edits < written.length / 2
    ? best.name
    : undefined
}
