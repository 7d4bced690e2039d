/** Builds the URL of a release asset or an artifact from its names. Pure. */

import type { Place } from './place.js'
import { isNumber } from './read.js'
import { canonicalUrl, type Resource } from './resource.js'

export interface Address {
  /** `owner/name` */
  readonly repository: string
  /** Of the asset or artifact; `NAME!/PATH` for a file in it. */
  readonly name: string
  readonly release: string | undefined
  readonly run: string | undefined
  readonly workflow: string | undefined
  readonly branch: string
}

/** @throws Error that says which part is wrong */
export function githubUrl(place: Place, address: Address): URL {
  const { repository, release, run, workflow, branch } = address
  if (!/^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/.test(repository) || /(^|\/)\.+($|\/)/.test(repository)) {
    throw new Error(`${JSON.stringify(repository)} is no repository: expected owner/name, and the host by --host`)
  }
  if ([release, run, workflow].filter((given) => given !== undefined).length !== 1) {
    throw new Error('expected one of --release, --run and --workflow')
  }
  const [name = '', ...path] = address.name.split('!/')
  const member = path.length === 0 ? undefined : path.join('!/')
  checkPath(name, 'a name')
  if (member !== undefined) checkPath(member, 'the path of a file in an archive')
  const whole = { repository: repository.toLowerCase(), ...(member !== undefined && { member }) }
  return canonicalUrl(place, { ...whole, ...named() })

  function named(): Extract<Resource, { name: string }> | never {
    const base = { repository: whole.repository, name }
    if (run !== undefined) {
      if (!isNumber(run)) throw new Error(`${JSON.stringify(run)} is no number of a run`)
      return { ...base, kind: 'artifact of a run', run }
    }
    if (workflow !== undefined) {
      if (/[@/]/.test(workflow) || workflow === '')
        throw new Error(`${JSON.stringify(workflow)} is no file of a workflow`)
      checkPath(branch, 'a branch')
      return { ...base, kind: 'artifact of a workflow', workflow, branch }
    }
    if (release === 'latest') return { ...base, kind: 'latest asset' }
    checkPath(release ?? '', 'a tag')
    return { ...base, kind: 'asset', tag: release ?? '' }
  }
}

function checkPath(text: string, what: string): void {
  if (text.split('/').some((part) => ['', '.', '..'].includes(part)) || /\p{Cc}/u.test(text)) {
    throw new Error(`${JSON.stringify(text)} is no ${what.replace(/^(a|the) /, '')}`)
  }
}
