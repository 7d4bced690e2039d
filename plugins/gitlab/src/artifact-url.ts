/** Builds the URL of an artifact of the latest successful pipeline. Pure. */

import { latestArtifacts } from './api-urls.js'
import type { Instance } from './instance.js'
import { canonicalUrl } from './resource.js'
import { isNumber, projectPath, segmentsOf } from './segments.js'

export interface ArtifactAddress {
  /** `group/project` or an id. */
  readonly project: string
  readonly job: string
  readonly ref: string
  /** Of a file among the artifacts, not encoded; undefined for all of them as a zip. */
  readonly path: string | undefined
}

/** @throws Error that says which part is wrong */
export function artifactUrl(instance: Instance, { project, job, ref, path }: ArtifactAddress): URL {
  const id = isNumber(project) ? project : projectPath(project.split('/'))
  if (id === undefined)
    throw new Error(
      `${JSON.stringify(project)} is no project: expected group/project or a number, and the host by --host`,
    )
  if (job === '') throw new Error('the name of the job is empty')
  if (ref === '' || /\s/.test(ref)) throw new Error(`${JSON.stringify(ref)} is no branch or tag`)
  const file = path === undefined ? undefined : segmentsOf(path.split('/').map(encodeURIComponent).join('/'))
  if (path !== undefined && file === undefined) {
    throw new Error(`${JSON.stringify(path)} is no path of a file: expected one without empty parts, "." and ".."`)
  }
  const found = latestArtifacts(file === undefined ? [ref, 'download'] : [ref, 'raw', ...file])
  if (found === undefined) throw new Error('there is no URL for that')
  return canonicalUrl(instance, { ...found, project: id, form: 'api', query: [['job', job]] })
}
