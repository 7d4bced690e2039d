/** Which refs move, as far as a name can tell. Pure. */

import type { Resource } from './resource.js'

/** `v6.6`, `v6.6-rc1`, `6.6.1`: versions are tags. `6.6` without a v, `linux-6.6.y` and `v6-stable` may be branches. */
const version = /^(v\d+(\.\d+)+|\d+(\.\d+){2,})([-.]?(rc|alpha|beta|pre)[-.]?\d*)?$/i

/**
 * Does the content of this URL change with time? A full commit id never moves, a tag is taken not to. A name alone does
 * not say whether it is a tag, so only versions and those that match `tags` count as tags: a branch that is taken for a
 * tag would be served old for days, a tag that is taken for a branch costs a validation now and then.
 */
export function moves(resource: Resource, tags: readonly RegExp[]): boolean {
  switch (resource.kind) {
    case 'latest asset':
    case 'artifact of a workflow':
    case 'api':
      return true
    case 'file':
      return refMoves(resource.path.slice(0, resource.path[0] === 'refs' ? 3 : 1).join('/'), tags)
    case 'archive':
      return refMoves(resource.ref, tags)
    default:
      return false
  }
}

function refMoves(ref: string, tags: readonly RegExp[]): boolean {
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(ref)) return false
  if (ref.startsWith('refs/')) return !ref.startsWith('refs/tags/')
  return !version.test(ref) && !tags.some((tag) => tag.test(ref))
}
