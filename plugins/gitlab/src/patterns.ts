/** Globs over names with slashes: `*` stops at `/`, `**` does not. */

/** A pattern without a star stands for itself. Upper and lower case are one, as in GitLab's own names. */
export function globToRegExp(pattern: string): RegExp {
  const source = pattern
    .split(/(\*+)/)
    .map((part) => (part === '*' ? '[^/]*' : part.startsWith('*') ? '.*' : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')))
    .join('')
  return new RegExp(`^${source}$`, 'i')
}

/**
 * Which projects a server lends its token to: `group/project`, `group/*`, `group/**`, `42`, and `*` for all. A project
 * that is asked for by its number is lent to only where the number is listed: its path is unknown.
 */
export function projectMatcher(patterns: readonly string[]): (project: string) => boolean {
  if (patterns.includes('*')) return () => true
  const globs = patterns.map(globToRegExp)
  return (project) => globs.some((glob) => glob.test(project))
}
