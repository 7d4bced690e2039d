/** Reads paths of the REST API, `/api/v4/projects/ID/…`, as far as they name something to download. */

import type { Pair, Resource } from './resource.js'
import { encodePath, isNumber, projectPath, segmentsOf } from './segments.js'

type Read = Omit<Resource, 'project' | 'form' | 'query'> & { readonly query?: readonly Pair[] }

/** `below` is the encoded path below the instance; undefined where it is no download of the API. */
export function readApiPath(below: string, query: readonly Pair[]): Resource | undefined {
  const segments = segmentsOf(below)
  if (segments?.slice(0, 3).join('/') !== 'api/v4/projects') return undefined
  const [id, ...rest] = segments.slice(3)
  const project = isNumber(id) ? id : projectPath(id?.split('/') ?? [])
  if (project === undefined) return undefined
  const read = readJob(rest) ?? readRepository(rest, query) ?? readPackage(rest, id, query) ?? readRelease(rest)
  return read && { project, form: 'api', query, ...read }
}

function readJob([jobs, ...rest]: readonly string[]): Read | undefined {
  if (jobs !== 'jobs') return undefined
  const [id, artifacts, ...path] = rest
  if (isNumber(id) && artifacts === 'artifacts') return jobArtifacts(id, path)
  return id === 'artifacts' ? latestArtifacts(rest.slice(1)) : undefined
}

/** A file of one job's artifacts, or with an empty path all of them. */
export function jobArtifacts(job: string, path: readonly string[]): Read {
  const all = `jobs/${job}/artifacts`
  return path.length === 0
    ? { kind: 'artifact', path: all, ref: undefined, name: undefined }
    : { kind: 'artifact', path: `${all}/${encodePath(path)}`, ref: undefined, name: path.at(-1) }
}

/** `REF/download` and `REF/raw/PATH`: of the latest successful pipeline. The first `raw` behind a ref ends the ref. */
export function latestArtifacts(segments: readonly string[]): Read | undefined {
  const raw = segments.indexOf('raw', 1)
  if (raw > 0 && raw < segments.length - 1) {
    const ref = segments.slice(0, raw).join('/')
    const path = segments.slice(raw + 1)
    return {
      kind: 'artifact',
      path: `jobs/artifacts/${encodeURIComponent(ref)}/raw/${encodePath(path)}`,
      ref,
      name: path.at(-1),
    }
  }
  if (segments.length < 2 || segments.at(-1) !== 'download') return undefined
  const ref = segments.slice(0, -1).join('/')
  return { kind: 'artifact', path: `jobs/artifacts/${encodeURIComponent(ref)}/download`, ref, name: undefined }
}

function readRepository([repository, what, ...rest]: readonly string[], query: readonly Pair[]): Read | undefined {
  if (repository !== 'repository' || what === undefined) return undefined
  if (what === 'files' && rest.length >= 2 && rest.at(-1) === 'raw') {
    const path = rest.slice(0, -1).join('/')
    return {
      ...repositoryFile(path, valueOf(query, 'ref') ?? ''),
      query: query.filter(([n, v]) => n !== 'lfs' || v !== 'true'),
    }
  }
  if (what === 'blobs' && rest.length === 2 && rest[1] === 'raw') {
    // A blob's own hash names its bytes for ever.
    return {
      kind: 'file',
      path: `repository/blobs/${encodeURIComponent(rest[0] ?? '')}/raw`,
      ref: undefined,
      name: undefined,
    }
  }
  if (/^archive(\.[a-z0-9.]+)?$/.test(what) && rest.length === 0) {
    return { kind: 'archive', path: `repository/${what}`, ref: valueOf(query, 'sha') ?? '', name: undefined }
  }
  return undefined
}

/** `path` is decoded; the ref goes into the query, which is the caller's. */
export function repositoryFile(path: string, ref: string): Read {
  return { kind: 'file', path: `repository/files/${encodeURIComponent(path)}/raw`, ref, name: path.split('/').at(-1) }
}

function readPackage(
  [packages, what, ...rest]: readonly string[],
  project: string | undefined,
  query: readonly Pair[],
): Read | undefined {
  if (packages !== 'packages' || what === undefined) return undefined
  if (what === 'generic' && rest.length >= 3) {
    const ref = rest[1] === 'latest' ? 'latest' : undefined
    return { kind: 'package', path: `packages/generic/${encodePath(rest)}`, ref, name: rest.at(-1) }
  }
  const [files, file, download] = rest
  if (isNumber(what) && files === 'package_files' && isNumber(file) && download === 'download' && rest.length === 3) {
    // The file's own number names it, also on the page. Pages know no project by its number.
    const page = isNumber(project) ? {} : { page: { path: `package_files/${file}/download`, query } }
    return {
      kind: 'package',
      path: `packages/${what}/package_files/${file}/download`,
      ref: undefined,
      name: undefined,
      ...page,
    }
  }
  return undefined
}

function readRelease([releases, ...rest]: readonly string[]): Read | undefined {
  return releases === 'releases' ? releaseDownload(rest) : undefined
}

/** `TAG/downloads/PATH` and `permalink/latest/downloads/PATH`. */
export function releaseDownload(segments: readonly string[]): Read | undefined {
  const latest = segments[0] === 'permalink' && segments[1] === 'latest'
  const [downloads, ...path] = segments.slice(latest ? 2 : 1)
  if (downloads !== 'downloads' || path.length === 0) return undefined
  const release = latest ? 'permalink/latest' : encodeURIComponent(segments[0] ?? '')
  return {
    kind: 'release',
    path: `releases/${release}/downloads/${encodePath(path)}`,
    ref: latest ? 'latest' : undefined,
    name: path.at(-1),
  }
}

function valueOf(query: readonly Pair[], name: string): string | undefined {
  return query.find(([n]) => n === name)?.[1]
}
