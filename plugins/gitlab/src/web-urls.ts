/** Reads the URLs that people copy from GitLab's pages, `/GROUP/PROJECT/-/…`, as the API's URLs of the same bytes. */

import { jobArtifacts, latestArtifacts, releaseDownload, repositoryFile } from './api-urls.js'
import type { Pair, Resource } from './resource.js'
import { encodePath, isNumber, projectPath, segmentsOf } from './segments.js'

type Read = Omit<Resource, 'project' | 'form' | 'query'> & Partial<Pick<Resource, 'form' | 'query'>>

/** `below` is the encoded path below the instance; undefined where it is no download of a project. */
export function readWebPath(below: string, query: readonly Pair[]): Resource | undefined {
  const segments = segmentsOf(below)
  const dash = segments?.indexOf('-') ?? -1
  if (segments === undefined || dash < 0) return undefined
  const project = projectPath(segments.slice(0, dash))
  if (project === undefined) return undefined
  const [what, ...rest] = segments.slice(dash + 1)
  const plain = query.filter(([name]) => name !== 'inline') // changes the display in a browser, not the file
  const read = what === undefined ? undefined : readers.get(what)?.(rest, plain)
  return read && { project, form: 'api', query: plain, ...read }
}

type Reader = (rest: readonly string[], query: readonly Pair[]) => Read | undefined

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['jobs', readJob],
  ['raw', readFile],
  ['blob', readFile],
  ['archive', readArchive],
  ['package_files', readPackageFile],
  ['releases', releaseDownload],
])

/** Pages around a file (`file`, `browse`) mean the file; a page around all of them means all of them. */
function readJob(segments: readonly string[], query: readonly Pair[]): Read | undefined {
  // Reports and traces are artifacts of other types, for which the API has no URL.
  if (query.some(([name, value]) => name === 'file_type' && value !== 'archive')) return undefined
  const plain = query.filter(([name]) => name !== 'file_type')
  const [first, second, ...rest] = segments
  if (isNumber(first) && second === 'artifacts') {
    const [action, ...path] = rest
    const known = action === 'download' ? path.length === 0 : isView(action) && (path.length > 0 || action === 'browse')
    return known ? { ...jobArtifacts(first, path), query: plain } : undefined
  }
  if (first !== 'artifacts') return undefined
  const read = readLatest(segments.slice(1))
  return read && { ...read, query: plain }
}

function readLatest(segments: readonly string[]): Read | undefined {
  const action = segments.findIndex((segment, i) => i > 0 && isView(segment))
  if (action < 0) return latestArtifacts(segments)
  const ref = segments.slice(0, action)
  const path = segments.slice(action + 1)
  if (path.length > 0) return latestArtifacts([...ref, 'raw', ...path])
  return segments[action] === 'browse' ? latestArtifacts([...ref, 'download']) : undefined
}

function isView(action: string | undefined): boolean {
  return action === 'raw' || action === 'file' || action === 'browse'
}

/** How many slashes a ref is thought to have at most: kiss asks an origin three times in a row, and no more. */
const maxSlashes = 2

/**
 * `REF/PATH`, where REF may contain slashes. GitLab takes the first segment where that is a branch or a tag, and else the
 * longest one that is. Without a list of refs, the first segment is tried first, then the longer ones.
 */
function readFile(segments: readonly string[], query: readonly Pair[]): Read | undefined {
  if (segments.length < 2) return undefined
  const type = query.find(([name]) => name === 'ref_type')?.[1].toLowerCase()
  const prefix = type === 'heads' || type === 'tags' ? `refs/${type}/` : ''
  // `ref` and `lfs` are parameters of the API alone.
  const rest = query.filter(([name]) => !['ref_type', 'ref', 'lfs'].includes(name))
  const cut = (length: number): Read & { query: readonly Pair[] } => {
    const ref = `${prefix}${segments.slice(0, length).join('/')}`
    return { ...repositoryFile(segments.slice(length).join('/'), ref), query: [...rest, ['ref', ref]] }
  }
  const first = segments[0] ?? ''
  const certain = first.includes('/') || /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(first)
  const longest = certain ? 1 : Math.min(segments.length - 1, maxSlashes + 1)
  const others = Array.from({ length: longest - 1 }, (_, i) => cut(i + 2))
  return others.length === 0 ? cut(1) : { ...cut(1), others }
}

/**
 * `REF/NAME.tar.gz`. It stays a web URL: the API's archive of the same ref has the commit in the name of its top
 * directory, so its bytes are others. The last segment is the file's name, so REF may contain slashes.
 */
function readArchive(segments: readonly string[]): Read | undefined {
  if (segments.length < 2) return undefined
  const ref = segments.slice(0, -1).join('/')
  const name = segments.at(-1) ?? ''
  return { kind: 'archive', form: 'web', path: `archive/${encodePath([...ref.split('/'), name])}`, ref, name }
}

/** It stays a web URL: the API wants the number of the package too. */
function readPackageFile([id, download, ...more]: readonly string[]): Read | undefined {
  if (!isNumber(id) || download !== 'download' || more.length > 0) return undefined
  return { kind: 'package', form: 'web', path: `package_files/${id}/download`, ref: undefined, name: undefined }
}
