/** The resource of a GitLab URL in any of its forms, and its one canonical URL. */

import type { Instance } from './instance.js'

/** Decoded. */
export type Pair = readonly [name: string, value: string]

/**
 * - `artifact`: one file of a job's artifacts, or all of them as a zip
 * - `file`: a file of the repository
 * - `archive`: the repository as tar or zip
 * - `package`: a file of a package
 * - `release`: a link of a release
 */
export type Kind = 'artifact' | 'file' | 'archive' | 'package' | 'release'

/** One way to address a resource below its project. */
export interface Address {
  /** Percent-encoded. */
  readonly path: string
  readonly query: readonly Pair[]
}

/** A thing of one project that can be downloaded. */
export interface Resource extends Address {
  readonly kind: Kind
  /** `group/project`, or the digits of an id. */
  readonly project: string
  /** `web` where the API has no URL for the same bytes. */
  readonly form: 'api' | 'web'
  /** Branch, tag or commit that it depends on, '' for the default branch; undefined where no ref can move it. */
  readonly ref: string | undefined
  /** The file's name, where it is one file. */
  readonly name: string | undefined
  /** The address below the project's pages that names it, where the API's says more than that. */
  readonly page?: Address
  /** Where a web URL does not say how long its ref is: the further ways to read it, by growing ref. */
  readonly others?: readonly Address[]
}

/** Equal for all forms of one thing; holds no secret. */
export function canonicalUrl(instance: Instance, resource: Resource): URL {
  const { page } = resource
  return page === undefined ? place(instance, resource, resource) : place(instance, { ...resource, form: 'web' }, page)
}

/** Where it is asked for: under its own or another address, with the secrets that the client put into the query. */
export function requestUrl(
  instance: Instance,
  resource: Resource,
  { path, query }: Address = resource,
  secrets: readonly Pair[] = [],
): URL {
  // Without lfs=true the API sends the pointer of a file in Git LFS, where the web form of the same URL sends the file.
  const lfs: Pair[] = resource.kind === 'file' && !query.some(([name]) => name === 'lfs') ? [['lfs', 'true']] : []
  return place(instance, resource, { path, query: [...query, ...lfs, ...secrets] })
}

function place(instance: Instance, { form, project }: Resource, { path, query }: Address): URL {
  const below = form === 'web' ? `${project}/-/` : `api/v4/projects/${encodeURIComponent(project)}/`
  const search = [...query]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
  return new URL(`${instance.base}/${below}${path}${search === '' ? '' : `?${search}`}`)
}
