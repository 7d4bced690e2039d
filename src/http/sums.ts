/** Files of SHA-256 sums, as sha256sum writes them. Pure. */

/** `HEX  name` or `HEX *name`; the name may be missing. A backslash before it says that the name is escaped. */
const gnu = /^\\?([0-9a-f]{64})(?:[ \t]+[ *]?(.+))?$/i
/** `SHA256 (name) = HEX`, as `sha256sum --tag` and BSD write it. */
const bsd = /^SHA2?-?256 \((.+)\) = ([0-9a-f]{64})$/i

interface Sum {
  readonly name: string | undefined
  readonly sha256: string
}

/**
 * The sum of a file, lower case; undefined where the text has none, or several that differ. Folders decide between files of the
 * same name. A sum without a name is the only one.
 *
 * @param path decoded, from the root
 */
export function sumIn(text: string, path: string): string | undefined {
  const sums = text.split(/\r?\n/).flatMap((line) => parsed(line.trim()) ?? [])
  const named = sums.filter((sum) => sum.name !== undefined && baseOf(sum.name) === baseOf(path))
  const only = sums.length === 1 && sums[0]?.name === undefined ? sums : []
  return theOne(named.length > 0 ? named : only) ?? theOne(nearest(named, path))
}

function theOne(sums: readonly Sum[]): string | undefined {
  const found = new Set(sums.map(({ sha256 }) => sha256))
  return found.size === 1 ? [...found][0] : undefined
}

/** The sums whose names, with the folders before them, match the longest end of the path. */
function nearest(named: readonly Sum[], path: string): readonly Sum[] {
  const places = named.map((sum) => ({ sum, place: (sum.name ?? '').replace(/^(?:\.{0,2}\/)+/, '') }))
  const ends = places.filter(({ place }) => path.endsWith(`/${place}`))
  const longest = Math.max(...ends.map(({ place }) => place.length))
  return ends.filter(({ place }) => place.length === longest).map(({ sum }) => sum)
}

function parsed(line: string): Sum | undefined {
  const tagged = bsd.exec(line)
  if (tagged) return { name: tagged[1], sha256: (tagged[2] ?? '').toLowerCase() }
  const plain = gnu.exec(line)
  return plain ? { name: plain[2], sha256: (plain[1] ?? '').toLowerCase() } : undefined
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
