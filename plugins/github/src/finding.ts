/** Finds by name, through the API: assets of a release, artifacts of a run, the newest run of a workflow. */

import { failed, type Api, type Asking } from './api.js'
import type { Resource } from './resource.js'

export interface Asset {
  readonly id: number
  readonly name: string
  /** `sha256:…`; null for a file that was uploaded before GitHub kept sums. */
  readonly digest?: string | null
  readonly browser_download_url?: string
}

export interface Artifact {
  readonly id: number
  readonly name: string
  readonly expired?: boolean
  readonly digest?: string | null
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
    const release = (await this.#api.get(path, asking)) as { readonly id?: number; readonly assets?: readonly Asset[] }
    // The release lists its assets; a list that is full may go on elsewhere.
    const listed = release.assets?.find((asset) => asset.name === name)
    if (listed !== undefined) return listed
    const all = `repos/${repository}/releases/${release.id ?? 0}/assets`
    const found = (release.assets?.length ?? 0) < 30 ? undefined : await this.#find<Asset>(all, undefined, name, asking)
    return found ?? this.#missing(asking, `no asset ${name}`)
  }

  async assetById(repository: string, id: string, asking: Asking): Promise<Asset> {
    return (await this.#api.get(`repos/${repository}/releases/assets/${id}`, asking)) as Asset
  }

  /** The tag of the release that is marked as the latest. */
  async latestTag(repository: string, asking: Asking): Promise<string> {
    const release = (await this.#api.get(`repos/${repository}/releases/latest`, asking)) as {
      readonly tag_name?: string
    }
    return release.tag_name ?? this.#missing(asking, 'no tag')
  }

  async artifact(repository: string, id: string, asking: Asking): Promise<Artifact> {
    const artifact = (await this.#api.get(`repos/${repository}/actions/artifacts/${id}`, asking)) as Artifact
    if (artifact.expired === true) throw this.#failure(asking, 410, 'Artifact has expired')
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
    const artifact = await this.#find<Artifact>(list, 'artifacts', name, asking)
    if (artifact === undefined) return this.#missing(asking, `no artifact ${name}`)
    if (artifact.expired === true) throw this.#failure(asking, 410, 'Artifact has expired')
    return artifact
  }

  async #newestRun(
    { repository, workflow, branch }: Extract<Resource, { kind: 'artifact of a workflow' }>,
    asking: Asking,
  ): Promise<number> {
    const query = new URLSearchParams({ branch, status: 'success', per_page: '1' })
    const path = `repos/${repository}/actions/workflows/${encodeURIComponent(workflow)}/runs?${query.toString()}`
    const { workflow_runs: runs } = (await this.#api.get(path, asking)) as {
      readonly workflow_runs?: readonly { readonly id: number }[]
    }
    return runs?.[0]?.id ?? this.#missing(asking, 'no successful run')
  }

  /** Looks through the pages of a list for a name. Of artifacts that a run has twice, the newest has the highest number. */
  async #find<T extends { readonly id: number; readonly name: string; readonly expired?: boolean }>(
    list: string,
    key: 'artifacts' | undefined,
    name: string,
    asking: Asking,
  ): Promise<T | undefined> {
    const found: T[] = []
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = new URLSearchParams({ per_page: String(PER_PAGE), page: String(page), ...(key && { name }) })
      const answer = await this.#api.get(`${list}?${query.toString()}`, asking)
      const items = (key === undefined ? answer : (answer as Record<string, unknown>)[key]) as readonly T[] | undefined
      found.push(...(items ?? []).filter((item) => item.name === name))
      if ((items?.length ?? 0) === 0 || hasAll(answer, page)) break
    }
    const rank = ({ expired, id }: T): number => (expired === true ? 0 : id)
    return found.sort((a, b) => rank(b) - rank(a))[0]
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
  const total = (answer as { readonly total_count?: number }).total_count
  return total !== undefined && page * PER_PAGE >= total
}

/** The sum in `sha256:…`, in lower case. */
export function sha256Of(digest: string | null | undefined): string | undefined {
  return /^sha256:([0-9a-f]{64})$/i.exec(digest ?? '')?.[1]?.toLowerCase()
}
