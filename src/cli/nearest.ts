/** Guesses the word that a user meant. Pure. */

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

/** Levenshtein's: insertions, deletions and replacements of one character. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
