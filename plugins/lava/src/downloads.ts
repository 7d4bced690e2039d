/** The downloads of a job, and the URLs by which a cache gets them. Pure. */
import { displayUrl, toUrl } from 'kiss-cache/plugin'
import { isScalar } from 'yaml'
import { sentence } from './diagnostics.js'
import { walk, type Place } from './jobs.js'
import { lineOf, type Job } from './parse.js'
import { stringOf } from './pyyaml.js'
import { fetchable } from './rewrite.js'
import { sumsOf, type Sums } from './sums.js'
import { isBelow, shown } from './urls.js'

export interface Download {
  readonly file: string
  readonly line: number
  /** `kernel.url` */
  readonly place: string
  /** `actions[0].deploy.kernel.url` */
  readonly path: string
  /** As the job has it, displayable; empty where it is no text. */
  readonly url: string
  /** Where the bytes come from: the origin's URL, also where the job names this server. undefined: not through a cache. */
  readonly origin: URL | undefined
  /** Why not. */
  readonly note: string | undefined
  readonly sums: Sums
  /** What LAVA sends along, names lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** In the order of the text. @param server as `serverBase` gives it: the job may have been rewritten for it */
export function downloadsOf(job: Job, server: string | undefined): Download[] {
  return job.documents
    .flatMap((view) => walk(view).places)
    .map((place) => downloadOf(job, place, server))
    .sort((a, b) => a.line - b.line)
}

function downloadOf(job: Job, place: Place, server: string | undefined): Download {
  const { label, path, view, artifact, node } = place
  const line = lineOf(job, place.at)
  const url = fetchable(place)
  const common = { file: job.name, line, place: label, path, sums: sumsOf(view, artifact), headers: headersOf(place) }
  if (typeof url !== 'string') {
    const note = sentence({ line, place: label, path, reason: url.reason, detail: url.detail ?? '' })
    return { ...common, url: shown(stringOf(node) ?? ''), origin: undefined, note }
  }
  const origin = server !== undefined && isBelow(server, url) ? behind(url) : toUrl(url)
  const note = origin === undefined ? `${label} is no URL that a cache could fetch; left as it is` : undefined
  return { ...common, url: shown(url), origin, note }
}

/** The URL that a cache's own URL asks for: `…/api/v1/fetch?url=…`, encoded or not. */
function behind(url: string): URL | undefined {
  const value = /\/api\/v1\/fetch(?:\/[^/?]*)?\?(?:[^#]*&)?url=([^&#]*)/.exec(url)?.[1]
  if (value === undefined) return undefined
  try {
    return toUrl(value.includes('://') ? value : decodeURIComponent(value.replaceAll('+', ' ')))
  } catch {
    return undefined // not UTF-8: no server would fetch it
  }
}

function headersOf({ view, artifact }: Place): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { name, value } of view.entries(view.get(artifact, 'headers'))) {
    const node = view.resolve(value)
    if (name !== undefined && isScalar(node)) headers[name.toLowerCase()] = String(node.value)
  }
  return headers
}

export function shownOrigin({ origin, url }: Download): string {
  return origin === undefined ? url : displayUrl(origin)
}
