/** Which content a path of the GitLab test instance names: its REST API and its web pages, apart, as GitLab has them. */

export interface Project {
  readonly id: number
  readonly path: string
  readonly visibility: 'private' | 'public'
  /** By `REF PATH`, a branch, tag or commit each. */
  readonly files: Map<string, Buffer>
  /** By `JOB PATH`. */
  readonly artifacts: Map<string, Buffer>
  /** Zips, by job. */
  readonly zips: Map<string, Buffer>
  /** Latest successful jobs, by `REF NAME`. */
  readonly latest: Map<string, string>
  /** By `NAME/VERSION/FILE`. */
  readonly packages: Map<string, Buffer>
  /** By id. */
  readonly packageFiles: Map<string, Buffer>
  /** Links, by `TAG/PATH`. */
  readonly releases: Map<string, string>
}

export function newProject(id: number, path: string, visibility: Project['visibility']): Project {
  const maps = ['files', 'artifacts', 'zips', 'latest', 'packages', 'packageFiles', 'releases'] as const
  return {
    id,
    path,
    visibility,
    ...(Object.fromEntries(maps.map((name) => [name, new Map()])) as Pick<Project, (typeof maps)[number]>),
  }
}

/** `storage`: sent through a redirect to the object storage. `missing`: GitLab's own words. */
export type Found =
  | { readonly body: Buffer; readonly name: string; readonly storage: boolean; readonly type?: string }
  | { readonly redirect: string }
  | { readonly missing: string }

const notFound: Found = { missing: '404 Not Found' }

function found(body: Buffer | undefined, name: string, storage: boolean, type?: string): Found {
  return body === undefined ? notFound : { body, name, storage, ...(type !== undefined && { type }) }
}

function baseName(path: string): string {
  return path.split('/').at(-1) ?? ''
}

function typeOf(path: string): string | undefined {
  return path.endsWith('.html') ? 'text/html' : undefined
}

/** `rest`: the raw path below the project, not decoded: GitLab's routes tell an encoded slash from a plain one. */
export function apiContent(project: Project, rest: string, query: URLSearchParams): Found | undefined {
  const decode = decodeURIComponent
  let match
  if ((match = /^jobs\/artifacts\/(.+)\/raw\/(.+)$/.exec(rest))) {
    const job = project.latest.get(`${decode(match[1]!)} ${query.get('job') ?? ''}`)
    const path = decode(match[2]!)
    return found(project.artifacts.get(`${job ?? ''} ${path}`), baseName(path), false, typeOf(path))
  }
  if ((match = /^jobs\/artifacts\/(.+)\/download$/.exec(rest))) {
    const job = project.latest.get(`${decode(match[1]!)} ${query.get('job') ?? ''}`)
    return found(project.zips.get(job ?? ''), 'artifacts.zip', true)
  }
  if ((match = /^jobs\/(\d+)\/artifacts$/.exec(rest))) return found(project.zips.get(match[1]!), 'artifacts.zip', true)
  if ((match = /^jobs\/(\d+)\/artifacts\/(.+)$/.exec(rest))) {
    const path = decode(match[2]!)
    return found(project.artifacts.get(`${match[1]!} ${path}`), baseName(path), false, typeOf(path))
  }
  if ((match = /^repository\/files\/([^/]+)\/raw$/.exec(rest))) {
    return repositoryFile(project, query.get('ref') ?? 'main', decode(match[1]!), query.get('lfs') === 'true')
  }
  if ((match = /^repository\/archive\.(tar\.gz|zip)$/.exec(rest))) {
    return found(archive(project, query.get('sha') ?? 'main', 'with the commit'), `archive.${match[1]!}`, false)
  }
  if ((match = /^packages\/generic\/([^/]+\/[^/]+\/.+)$/.exec(rest))) {
    const path = decode(match[1]!)
    return found(project.packages.get(path), baseName(path), true)
  }
  if ((match = /^packages\/\d+\/package_files\/(\d+)\/download$/.exec(rest))) {
    return found(project.packageFiles.get(match[1]!), 'package', true)
  }
  if ((match = /^releases\/permalink\/latest\/(downloads\/.+)$/.exec(rest))) {
    const tag = [...project.releases.keys()].at(-1)?.split('/')[0]
    return tag === undefined ? notFound : { redirect: `/api/v4/projects/${project.id}/releases/${tag}/${match[1]!}` }
  }
  if ((match = /^releases\/([^/]+)\/downloads\/(.+)$/.exec(rest))) {
    const redirect = project.releases.get(`${decode(match[1]!)}/${decode(match[2]!)}`)
    return redirect === undefined ? notFound : { redirect }
  }
  return undefined
}

/** Contents that begin with `lfs:` are in Git LFS: their pointer is in the repository, they themselves in the storage. */
function repositoryFile(project: Project, ref: string, path: string, lfs: boolean): Found {
  if (![...project.files.keys()].some((key) => key.startsWith(`${ref} `))) return { missing: '404 Commit Not Found' }
  const body = project.files.get(`${ref} ${path}`)
  if (body === undefined) return { missing: '404 File Not Found' }
  if (!body.subarray(0, 4).equals(Buffer.from('lfs:'))) return found(body, baseName(path), false, 'text/plain')
  return lfs
    ? found(body, baseName(path), true)
    : found(Buffer.from(`version https://git-lfs.github.com/spec/v1\nsize ${body.length}\n`), baseName(path), false)
}

function archive(project: Project, ref: string, top: string): Buffer {
  return Buffer.from(`archive of ${project.path} at ${ref}, top directory ${top}`)
}

/** Pages for browsers. Only archives are more than a redirect to a session's own. */
export function webContent(project: Project, rest: string): Found | undefined {
  const decode = decodeURIComponent
  let match
  if ((match = /^raw\/([^/]+)\/(.+)$/.exec(rest)))
    return repositoryFile(project, decode(match[1]!), decode(match[2]!), true)
  if ((match = /^archive\/(.+)\/([^/]+)$/.exec(rest))) {
    return found(archive(project, decode(match[1]!), 'without the commit'), decode(match[2]!), false)
  }
  if ((match = /^package_files\/(\d+)\/download$/.exec(rest))) {
    return found(project.packageFiles.get(match[1]!), 'package', true)
  }
  return undefined
}
