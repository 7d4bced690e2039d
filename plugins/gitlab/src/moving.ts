/** Which refs move, as far as a name can tell. */

/** `v6.6`, `v6.6-rc1`, `6.6.1`: versions are tags. `6.6` without a v, `linux-6.6.y` and `v6-stable` may be branches. */
const version = /^(v\d+(\.\d+)+|\d+(\.\d+){2,})([-.]?(rc|alpha|beta|pre)[-.]?\d*)?$/i

/**
 * A full commit id never moves, a tag is taken not to. A name alone does not say whether it is a tag, so only versions and
 * what `tags` lists (globs) are: a branch that is taken for a tag would be served old for days, a tag that is taken for a
 * branch costs a validation now and then.
 */
export function refMoves(ref: string, tags: readonly RegExp[]): boolean {
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(ref)) return false
  if (ref.startsWith('refs/')) return !ref.startsWith('refs/tags/')
  return !version.test(ref) && !tags.some((tag) => tag.test(ref))
}
