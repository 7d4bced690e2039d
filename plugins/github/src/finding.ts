/** Finds by name, through the API: assets of a release, artifacts of a run, the newest run of a workflow. */

import { failed, type Api, type Asking } from './api.js'
import type { Resource } from './resource.js'

export interface Asset {
  readonly id: number
  readonly name: string
  /** `sha256:…`; null for a file that was uploaded before GitHub kept sums. */
  readonly digest?: unknown
  readonly browser_download_url?: unknown
}

export interface Artifact {
  readonly id: number
  readonly name: string
  readonly expired?: unknown
  readonly digest?: unknown
}

/** A run of a workflow, and the repositories of the workflow and of the branch. */
interface Run {
  readonly id: number
  readonly repository?: { readonly id?: unknown } | null
  readonly head_repository?: { readonly id?: unknown } | null
}

/** Pages of a list that are read. */
const MAX_PAGES = 20
const PER_PAGE = 100

export class Finder {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  /** The asset of this name in the release of this tag. */
  async asset(repository: string, tag: string, name: string, asking: Asking): Promise<Asset> {
    const path = `repos/${repository}/releases/tags/${tag.split('/').map(encodeURIComponent).join('/')}`
    const release = objectOf(await this.#api.get(path, asking))
    const assets = itemsOf(release['assets']).filter(isNamed)
    // The release lists its assets; a list that is full may go on elsewhere.
    const listed = assets.find((asset) => asset.name === name)
    if (listed !== undefined) return listed
    const all = `repos/${repository}/releases/${isId(release['id']) ? release['id'] : 0}/assets`
    return (
      (assets.length < 30 ? undefined : await this.#named(all, undefined, name, asking)) ??
      this.#missing(asking, `no asset ${name}`)
    )
  }

  async assetById(
    repository: string,
    id: string,
    asking: Asking,
  ): Promise<{ readonly browser_download_url?: unknown }> {
    return objectOf(await this.#api.get(`repos/${repository}/releases/assets/${id}`, asking))
  }

  /** The tag of the release that is marked as the latest. */
  async latestTag(repository: string, asking: Asking): Promise<string> {
    const { tag_name: tag } = objectOf(await this.#api.get(`repos/${repository}/releases/latest`, asking))
    return typeof tag === 'string' && tag !== '' ? tag : this.#missing(asking, 'no tag')
  }

  async artifact(repository: string, id: string, asking: Asking): Promise<{ readonly digest?: unknown }> {
    const artifact = objectOf(await this.#api.get(`repos/${repository}/actions/artifacts/${id}`, asking))
    if (artifact['expired'] === true) throw this.#failure(asking, 410, 'Artifact has expired')
    return artifact
  }

  /** The artifact of this name in a run, or in the newest successful run of a workflow on a branch. */
  async artifactNamed(
    resource: Extract<Resource, { kind: 'artifact of a run' | 'artifact of a workflow' }>,
    asking: Asking,
  ): Promise<Artifact> {
    const { repository, name } = resource
    const run = resource.kind === 'artifact of a run' ? resource.run : await this.#newestRun(resource, asking)
    const list = `repos/${repository}/actions/runs/${run}/artifacts`
    const artifact: Artifact | undefined = await this.#named(list, 'artifacts', name, asking)
    if (artifact === undefined) return this.#missing(asking, `no artifact ${name}`)
    if (artifact.expired === true) throw this.#failure(asking, 410, 'Artifact has expired')
    return artifact
  }

  /** The runs of a branch include those of pull requests from a branch of that name in a fork: anybody can make one. */
  async #newestRun(
    { repository, workflow, branch }: Extract<Resource, { kind: 'artifact of a workflow' }>,
    asking: Asking,
  ): Promise<number> {
    const path = `repos/${repository}/actions/workflows/${encodeURIComponent(workflow)}/runs`
    for await (const run of this.#pages(path, 'workflow_runs', { branch, status: 'success' }, asking)) {
      if (isRun(run) && isOwn(run)) return run.id
    }
    return this.#missing(asking, 'no successful run')
  }

  /** Looks through a list for a name. Of artifacts that a run has twice, the newest has the highest number. */
  async #named(
    list: string,
    key: 'artifacts' | undefined,
    name: string,
    asking: Asking,
  ): Promise<(Asset & Artifact) | undefined> {
    const found: (Asset & Artifact)[] = []
    for await (const item of this.#pages(list, key, key === undefined ? {} : { name }, asking)) {
      if (isNamed(item) && item.name === name) found.push(item)
    }
    const rank = ({ expired, id }: Artifact): number => (expired === true ? 0 : id)
    return found.sort((a, b) => rank(b) - rank(a))[0]
  }

  /** The items of a list, page after page. @param key of the list in an answer; undefined: the answer is the list */
  async *#pages(list: string, key: string | undefined, filter: Record<string, string>, asking: Asking): AsyncGenerator {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = new URLSearchParams({ ...filter, per_page: String(PER_PAGE), page: String(page) })
      const answer = await this.#api.get(`${list}?${query.toString()}`, asking)
      const items = itemsOf(key === undefined ? answer : objectOf(answer)[key])
      yield* items
      if (items.length === 0 || hasAll(answer, page)) return
    }
  }

  #missing(asking: Asking, what: string): never {
    throw this.#failure(asking, 404, what)
  }

  #failure({ hop }: Asking, status: number, message: string): Error {
    return failed(this.#api.base, hop, status, {}, JSON.stringify({ message }))
  }
}

/** `total_count` says that no further page has anything. */
function hasAll(answer: unknown, page: number): boolean {
  const { total_count: total } = objectOf(answer)
  return typeof total === 'number' && page * PER_PAGE >= total
}

/** An answer of any other form has nothing of what is looked for. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function isNamed(value: unknown): value is Asset & Artifact {
  const { id, name } = objectOf(value)
  return isId(id) && typeof name === 'string'
}

function isRun(value: unknown): value is Run {
  return isId(objectOf(value)['id'])
}

/** GitHub gives both repositories; that of a deleted fork is null. */
function isOwn({ repository, head_repository: head }: Run): boolean {
  return head === undefined || (head !== null && head.id === repository?.id)
}

/** The sum in `sha256:…`, in lower case. */
export function sha256Of(digest: unknown): string | undefined {
  return typeof digest === 'string' ? /^sha256:([0-9a-f]{64})$/i.exec(digest)?.[1]?.toLowerCase() : undefined
}
