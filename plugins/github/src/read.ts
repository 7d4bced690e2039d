/** Reads a URL as the thing at GitHub that it names. Pure; undefined for what this plugin does not serve. */

import { pathBelow, type Place } from './place.js'
import type { Resource } from './resource.js'

type Named = {
  [K in Resource['kind']]: Omit<Extract<Resource, { kind: K }>, 'repository' | 'member'>
}[Resource['kind']]

/** @param isDefault the place that `github:` URLs mean */
export function readUrl(place: Place, url: URL, isDefault: boolean): Resource | undefined {
  if (url.protocol === 'github:') return isDefault ? readScheme(url) : undefined
  const api = pathBelow(place.api, url)
  if (api !== undefined) return readApi(api, url)
  const web = pathBelow(place.web, url) ?? (isWww(place, url) ? url.pathname.slice(1) : undefined)
  if (web !== undefined) return read(web, readWeb)
  const raw = place.raw === undefined ? undefined : pathBelow(place.raw, url)
  if (raw !== undefined) return read(raw, (path) => (path.length >= 2 ? { kind: 'file', path } : undefined), false)
  const codeload = place.codeload === undefined ? undefined : pathBelow(place.codeload, url)
  return codeload === undefined ? undefined : read(codeload, readCodeload)
}

function isWww(place: Place, url: URL): boolean {
  return place.web === 'https://github.com' && url.origin === 'https://www.github.com'
}

/** `OWNER/NAME/…`, with a file of an archive behind `!/`. */
function read(path: string, reader: (rest: string[]) => Named | undefined, members = true): Resource | undefined {
  const cut = members ? path.indexOf('!/') : -1
  const segments = segmentsOf(cut < 0 ? path : path.slice(0, cut))
  const member = cut < 0 ? undefined : segmentsOf(path.slice(cut + 2))?.join('/')
  if (segments === undefined || (cut >= 0 && member === undefined)) return undefined
  const [owner = '', name = '', ...rest] = segments
  if (!isName(owner) || !isName(name)) return undefined
  const named = reader(rest)
  if (named === undefined) return undefined
  return { repository: `${owner}/${name}`.toLowerCase(), ...named, ...(member !== undefined && { member }) }
}

function readWeb([first, second, ...rest]: string[]): Named | undefined {
  if (first === 'releases' && second === 'latest' && rest[0] === 'download' && rest.length === 2) {
    return { kind: 'latest asset', name: rest[1] ?? '' }
  }
  // A tag may contain slashes; the name of an asset does not.
  if (first === 'releases' && second === 'download' && rest.length >= 2) {
    return { kind: 'asset', tag: rest.slice(0, -1).join('/'), name: rest.at(-1) ?? '' }
  }
  if (first === 'actions' && second === 'runs') {
    const [run, artifacts, id, ...more] = rest
    return isNumber(run) && artifacts === 'artifacts' && isNumber(id) && more.length === 0
      ? { kind: 'artifact', id }
      : undefined
  }
  if ((first === 'raw' || first === 'blob') && second !== undefined && rest.length > 0) {
    return { kind: 'file', path: [second, ...rest] }
  }
  if (first === 'archive' && second !== undefined) return readArchive([second, ...rest].join('/'))
  return undefined
}

function readArchive(text: string): Named | undefined {
  const [, ref, format] = /^(.+)\.(zip|tar\.gz)$/.exec(text) ?? []
  return ref === undefined ? undefined : { kind: 'archive', ref, format: format === 'zip' ? 'zip' : 'tar.gz' }
}

function readCodeload([format, ...ref]: string[]): Named | undefined {
  if ((format !== 'zip' && format !== 'tar.gz') || ref.length === 0) return undefined
  return { kind: 'archive', ref: ref.join('/'), format }
}

function readApi(path: string, url: URL): Resource | undefined {
  const { search } = withoutSecrets(url)
  const [repos, ...below] = path.split('/')
  const known = repos === 'repos' && search === '' ? read(below.join('/'), readApiPath) : undefined
  if (known !== undefined) return known
  const segments = segmentsOf(path.split('!/')[0] ?? '')
  if (segments === undefined || path.includes('!/')) return undefined
  const [first, owner = '', name = ''] = segments
  const repository = first === 'repos' && isName(owner) && isName(name) ? `${owner}/${name}`.toLowerCase() : ''
  return { kind: 'api', repository, rest: `${path}${search}` }
}

function readApiPath([first, second, id, ...rest]: string[]): Named | undefined {
  if (!isNumber(id)) return undefined
  if (first === 'releases' && second === 'assets' && rest.length === 0) return { kind: 'asset by id', id }
  const zip = rest.length === 1 && rest[0] === 'zip'
  return first === 'actions' && second === 'artifacts' && zip ? { kind: 'artifact', id } : undefined
}

/** `github:OWNER/NAME/run/RUN/ARTIFACT`, `…/workflow/FILE@BRANCH/ARTIFACT`, `…/release/TAG/ASSET`. */
function readScheme(url: URL): Resource | undefined {
  if (url.host !== '' || url.search !== '') return undefined
  return read(url.pathname.replace(/^\//, ''), ([what, ...rest]) => {
    if (what === 'run' && rest.length === 2 && isNumber(rest[0])) {
      return { kind: 'artifact of a run', run: rest[0], name: rest[1] ?? '' }
    }
    if (what === 'release' && rest.length >= 2) {
      const [tag, name] = [rest.slice(0, -1).join('/'), rest.at(-1) ?? '']
      return tag === 'latest' ? { kind: 'latest asset', name } : { kind: 'asset', tag, name }
    }
    // A branch may contain slashes.
    const [, workflow, branch] = /^([^@/]+)@(.+)$/.exec(rest.slice(0, -1).join('/')) ?? []
    if (what !== 'workflow' || workflow === undefined || branch === undefined) return undefined
    return { kind: 'artifact of a workflow', workflow, branch, name: rest.at(-1) ?? '' }
  })
}

const secretNames = new Set(['token', 'access_token'])

/** Does a query parameter of this name open a private repository? */
export function isSecretName(name: string): boolean {
  return secretNames.has(name.toLowerCase())
}

/** The URL without userinfo, fragment and secrets in its query; every other byte as it was written. */
export function withoutSecrets(url: URL): URL {
  const clean = new URL(url)
  clean.username = clean.password = clean.hash = ''
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((part) => ![...new URLSearchParams(part)].some(([name]) => isSecretName(name)))
    .join('&')
  clean.search = kept
  return clean
}

/** The decoded segments of an encoded path; undefined where one is empty, malformed, or climbs. */
function segmentsOf(path: string): string[] | undefined {
  try {
    const segments = path.split('/').map(decodeURIComponent)
    const bad = (segment: string): boolean => segment.split('/').some((part) => ['', '.', '..'].includes(part))
    return segments.some((segment) => bad(segment) || /\p{Cc}/u.test(segment)) ? undefined : segments
  } catch {
    return undefined // decodeURIComponent throws only where the encoding is malformed
  }
}

function isName(text: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(text)
}

export function isNumber(text: string | undefined): text is `${number}` {
  return text !== undefined && /^\d+$/.test(text)
}
