/** The API's counterpart of an archive's web URL, for those whom GitLab does not let use the latter. */

import type { Resource } from './resource.js'

/** The same tree at the same ref; its top directory has another name. undefined for any URL but the web URL of an archive. */
export function apiArchive({ kind, form, project, query, ref, name }: Resource): Resource | undefined {
  const format = /\.(tar\.gz|tgz|gz|tar\.bz2|tbz2?|tb2|bz2|tar|zip)$/.exec(name ?? '')?.[1]
  if (kind !== 'archive' || form !== 'web' || ref === undefined || format === undefined) return undefined
  const folder = query.filter(([parameter]) => parameter === 'path')
  return {
    kind,
    project,
    form: 'api',
    path: `repository/archive.${format}`,
    query: [['sha', ref], ...folder],
    ref,
    name,
  }
}
