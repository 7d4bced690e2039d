/** The things at GitHub that a URL can name, and the one URL under which kiss keeps each. Pure. */

import type { Place } from './place.js'

interface OfRepository {
  /** `owner/name` in lower case: GitHub does not tell cases apart. */
  readonly repository: string
  /** A file in the archive that the URL names, `boot/Image.gz`. */
  readonly member?: string | undefined
}

export type Resource = OfRepository &
  (
    | { readonly kind: 'asset'; readonly tag: string; readonly name: string }
    | { readonly kind: 'latest asset'; readonly name: string }
    | { readonly kind: 'asset by id'; readonly id: string }
    | { readonly kind: 'artifact'; readonly id: string }
    | { readonly kind: 'artifact of a run'; readonly run: string; readonly name: string }
    | {
        readonly kind: 'artifact of a workflow'
        readonly workflow: string
        readonly branch: string
        readonly name: string
      }
    /** `path` is the ref and the path below it: where the ref ends, GitHub alone knows. */
    | { readonly kind: 'file'; readonly path: readonly string[] }
    | { readonly kind: 'archive'; readonly ref: string; readonly format: 'zip' | 'tar.gz' }
    /** Any other URL of the API. */
    | { readonly kind: 'api'; readonly rest: string }
  )

/** The cache key. */
export function canonicalUrl(place: Place, resource: Resource): URL {
  const member = resource.member === undefined ? '' : `!/${encode(resource.member.split('/'))}`
  return new URL(`${withoutMember(place, resource)}${member}`)
}

function withoutMember(place: Place, resource: Resource): string {
  const { repository } = resource
  const web = `${place.web}/${repository}`
  const api = `${place.api}/repos/${repository}`
  switch (resource.kind) {
    case 'asset':
      return `${web}/releases/download/${encode([...resource.tag.split('/'), resource.name])}`
    case 'latest asset':
      return `${web}/releases/latest/download/${encode([resource.name])}`
    case 'asset by id':
      return `${api}/releases/assets/${resource.id}`
    case 'artifact':
      return `${api}/actions/artifacts/${resource.id}/zip`
    case 'artifact of a run':
      return `github:${repository}/run/${resource.run}/${encode([resource.name])}`
    case 'artifact of a workflow': {
      const { workflow, branch, name } = resource
      return `github:${repository}/workflow/${encode([...`${workflow}@${branch}`.split('/'), name])}`
    }
    case 'file':
      if (place.raw === undefined) return `${web}/raw/${encode(resource.path)}`
      return `${place.raw}/${repository}/${encode(resource.path)}`
    case 'archive':
      return `${web}/archive/${encode(resource.ref.split('/'))}.${resource.format}`
    case 'api':
      return `${place.api}/${resource.rest}`
  }
}

function encode(segments: readonly string[]): string {
  return segments.map((segment) => encodeURIComponent(segment).replaceAll('%40', '@')).join('/')
}

const kinds: Readonly<Record<Resource['kind'], string>> = {
  asset: 'release asset',
  'latest asset': 'release asset',
  'asset by id': 'release asset',
  artifact: 'artifact',
  'artifact of a run': 'artifact',
  'artifact of a workflow': 'artifact',
  file: 'file',
  archive: 'source archive',
  api: 'API resource',
}

/** For messages: `release asset of lab/kernel`. */
export function nameOf(resource: Resource | undefined): string {
  if (resource === undefined) return 'the page'
  return resource.repository === '' ? kinds[resource.kind] : `${kinds[resource.kind]} of ${resource.repository}`
}
