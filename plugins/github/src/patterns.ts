/** Globs over names with slashes: `*` stops at `/`, `**` does not. */

/** A pattern without a star stands for itself. Upper and lower case are one, as in the names of GitHub. */
export function globToRegExp(pattern: string): RegExp {
  const source = pattern
    .split(/(\*+)/)
    .map((part) => (part === '*' ? '[^/]*' : part.startsWith('*') ? '.*' : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')))
    .join('')
  return new RegExp(`^${source}$`, 'i')
}

/** Which repositories a server lends its token to: `owner/name`, `owner/*`, and `*` for all. */
export function repositoryMatcher(patterns: readonly string[]): (repository: string) => boolean {
  if (patterns.includes('*')) return () => true
  const globs = patterns.map(globToRegExp)
  return (repository) => globs.some((glob) => glob.test(repository))
}
