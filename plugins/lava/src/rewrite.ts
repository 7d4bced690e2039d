/** Rewrites a job, and takes a rewrite back: the places that change, their new text, and the reason why others stay. Pure. */
import type { Node, Scalar } from 'yaml'
import type { Left, ReasonCode } from './diagnostics.js'
import { walk, type Place, type Walk } from './jobs.js'
import { lineOf, type Job } from './parse.js'
import { bareTemplate, placeholderIn } from './placeholders.js'
import { stringOf, type View } from './pyyaml.js'
import { restored, rewritten, slotOf, type Slot } from './scalars.js'
import { hostOf, isBelow, urlparse } from './urls.js'

export interface RewriteOptions {
  /** As {@link serverBase} gives it. */
  readonly server: string
  /** KissCache's form: `10d`. */
  readonly ttl?: string
  /** Like LAVA's rules: found anywhere in the URL. */
  readonly include?: readonly RegExp[]
  readonly exclude?: readonly RegExp[]
}

export interface Change {
  readonly line: number
  readonly place: string
  readonly path: string
  readonly from: string
  readonly to: string
}

export interface Outcome {
  readonly text: string
  /** In the order of the text; a scalar that several places share is named once for each. */
  readonly changes: readonly Change[]
  readonly left: readonly Left[]
}

/** A place's new text, or why it stays. */
type Verdict = { readonly slot: Slot; readonly to: string; readonly text: string } | Stay
type Stay = { readonly reason: ReasonCode; readonly detail?: string }

/** Every URL that LAVA would fetch over http or https goes through the server. */
export function rewrite(job: Job, options: RewriteOptions): Outcome {
  return transform(job, (place) => {
    const url = fetchable(place)
    if (typeof url !== 'string') return url
    if (isBelow(options.server, url)) return { reason: 'server' }
    if (options.include?.length && !options.include.some((rule) => rule.test(url))) return { reason: 'include' }
    if (options.exclude?.some((rule) => rule.test(url))) return { reason: 'exclude' }
    return withSlot(job, place, (slot) => rewritten(slot, options.server, options.ttl))
  })
}

/** Exactly what {@link rewrite} wrote for this server becomes what it was. */
export function restore(job: Job, server: string): Outcome {
  return transform(job, (place) => {
    const url = fetchable(place)
    if (typeof url !== 'string') return url
    if (!isBelow(server, url)) return { reason: 'not-on-server' }
    const verdict = withSlot(job, place, (slot) => {
      const before = restored(slot, server)
      return before !== undefined && refusal(before.url) === undefined && !isBelow(server, before.url)
        ? before
        : undefined
    })
    return 'reason' in verdict ? { reason: 'not-ours' } : verdict
  })
}

/** The URL that LAVA would fetch over http or https through a cache, or why it does not. */
export function fetchable({ node, useCache }: Place): string | Stay {
  const url = stringOf(node)?.replace(/\n+$/, '')
  if (url === undefined) return notText(node)
  const refused = refusal(url)
  if (refused?.reason === 'scheme') return refused
  return useCache ? (refused ?? url) : { reason: 'use-cache' }
}

function refusal(url: string): Stay | undefined {
  const parsed = urlparse(url)
  if (parsed === undefined) return { reason: 'not-a-url' }
  const isHttp = parsed.scheme === 'http' || parsed.scheme === 'https'
  if (!isHttp && parsed.scheme !== '') return { reason: 'scheme', detail: parsed.scheme }
  const placeholder = placeholderIn(url)
  if (placeholder !== undefined) return { reason: 'placeholder', detail: placeholder }
  return isHttp && hostOf(parsed) !== '' ? undefined : { reason: 'not-a-url' }
}

function notText(node: Node | undefined): Stay {
  const template = bareTemplate(node)
  return template === undefined ? { reason: 'not-text' } : { reason: 'placeholder', detail: template }
}

function withSlot(job: Job, place: Place, write: (slot: Slot) => { url: string; text: string } | undefined): Verdict {
  const scalar = place.node as Scalar<string>
  const slot = slotOf(job.source, scalar, place.view.flow.has(scalar))
  if (typeof slot === 'string') return { reason: slot }
  const written = write(slot)
  return written === undefined ? { reason: 'escapes' } : { slot, to: written.url, text: written.text }
}

function transform(job: Job, decide: (place: Place) => Verdict): Outcome {
  const left: Left[] = []
  const changes: (Change & { readonly slot: Slot; readonly text: string })[] = []
  for (const view of job.documents) {
    const found = walk(view)
    left.push(...problems(job, view, found))
    const decisions = found.places.map((place) => ({ place, verdict: decide(place) }))
    const shared = sharedElsewhere(view, decisions)
    for (const { place, verdict } of decisions) {
      const { path, label } = place
      const line = lineOf(job, place.at)
      const stay = 'reason' in verdict ? verdict : shared.has(place.node) ? sharing(job, place) : undefined
      if (stay !== undefined) left.push({ line, place: label, path, reason: stay.reason, detail: stay.detail ?? '' })
      else if ('slot' in verdict)
        changes.push({
          line,
          place: label,
          path,
          from: verdict.slot.url,
          to: verdict.to,
          slot: verdict.slot,
          text: verdict.text,
        })
    }
  }
  changes.sort((a, b) => a.slot.start - b.slot.start)
  return {
    text: job.mark + edited(job.text.slice(job.mark.length), changes),
    changes: changes.map(({ line, place, path, from, to }) => ({ line, place, path, from, to })),
    left: left.sort((a, b) => a.line - b.line),
  }
}

/** Scalars that stand, through anchors, in more places than those that would change. */
function sharedElsewhere(
  view: View,
  decisions: readonly { readonly place: Place; readonly verdict: Verdict }[],
): ReadonlySet<Node | undefined> {
  if (!view.hasAliases) return new Set()
  const occurrences = view.occurrences()
  const changing = new Map<Node | undefined, number>()
  for (const { place, verdict } of decisions)
    if ('slot' in verdict) changing.set(place.node, (changing.get(place.node) ?? 0) + 1)
  return new Set(
    [...changing]
      .filter(([node, count]) => node !== undefined && occurrences.get(node) !== count)
      .map(([node]) => node),
  )
}

function sharing(job: Job, place: Place): Stay {
  return { reason: 'shared', detail: String(place.node === undefined ? 0 : lineOf(job, place.node)) }
}

/** What stands in the way of finding all downloads of a job. */
export function problemsOf(job: Job): Left[] {
  return job.documents.flatMap((view) => problems(job, view, walk(view)))
}

function problems(job: Job, view: View, { isJob, unknown }: Walk): Left[] {
  if (!isJob && view.root !== undefined)
    return [{ line: lineOf(job, view.root), place: 'the document', path: '', reason: 'no-actions', detail: '' }]
  return unknown.map(({ kind, path, at, name }) => {
    const line = lineOf(job, at)
    if (kind === 'method') return { line, place: 'deploy.to', path, reason: 'unknown-method', detail: name }
    return { line, place: name, path, reason: kind === 'images' ? 'qemu-images' : 'unknown-action', detail: '' }
  })
}

/** Changes are sorted; two places of one scalar carry the same edit. */
function edited(text: string, changes: readonly { readonly slot: Slot; readonly text: string }[]): string {
  const parts: string[] = []
  let done = 0
  for (const { slot, text: replacement } of changes) {
    if (slot.start < done) continue
    parts.push(text.slice(done, slot.start), replacement)
    done = slot.end
  }
  return parts.join('') + text.slice(done)
}
