/** Paths as lists of decoded segments, and back; what cannot be told apart safely is not read at all. */

/**
 * The decoded segments of an encoded path; undefined where one is empty, malformed, or could climb (`..`, also behind an
 * encoded slash): a checked path must mean the same after one more decoding.
 */
export function segmentsOf(path: string): string[] | undefined {
  const segments: string[] = []
  for (const raw of path.split('/')) {
    const segment = decoded(raw)
    if (segment === undefined || segment.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      return undefined
    }
    segments.push(segment)
  }
  return segments
}

function decoded(raw: string): string | undefined {
  try {
    const segment = decodeURIComponent(raw)
    return segment.includes('\0') ? undefined : segment
  } catch {
    return undefined // decodeURIComponent throws only where the encoding is malformed
  }
}

/** `a/b c` of `['a', 'b c']`, encoded, with the slashes left alone. */
export function encodePath(segments: readonly string[]): string {
  return segments.map(encodeURIComponent).join('/')
}

/** GitLab's rule for the names of groups and projects, loosely: what it allows and nothing that a URL could stumble over. */
const name = /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/

/** `group/project` of its segments; undefined for what cannot be a project's path. */
export function projectPath(segments: readonly string[]): string | undefined {
  return segments.length >= 2 && segments.every((segment) => name.test(segment)) ? segments.join('/') : undefined
}

export function isNumber(segment: string | undefined): segment is `${number}` {
  return segment !== undefined && /^\d+$/.test(segment)
}
