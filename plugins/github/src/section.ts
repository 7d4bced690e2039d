/** The section `github:` of the configuration file: a list of hosts, checked key by key. Pure. */

import { isText, readEntries, readTerms, readTokenOrigins, textList } from 'kiss-cache/provider-kit'
import { apiBase, placeOf } from './place.js'
import type { HostSettings } from './types.js'

const keys = [
  'host',
  'api',
  'token',
  'token-file',
  'token-command',
  'gh',
  'repositories',
  'share',
  'moving-ttl',
  'tags',
]

export type SectionEntry = Partial<HostSettings> & Pick<HostSettings, 'place'>

/** @param section as parsed; @throws Error that says which entry and which key, without values that may be secret */
export function readSection(section: unknown): SectionEntry[] {
  return readEntries(section, 'github', keys, (read, where) => {
    const api = read('api', (v) => (isText(v) ? apiBase(v) : undefined), 'the URL of the API, without a user')
    const place = read('host', (v) => (isText(v) ? placeOf(v, api) : undefined), 'a host, or its URL without a path')
    if (place === undefined) throw new Error(`${where}: host is missing`)
    const gh = read('gh', (v) => (typeof v === 'boolean' ? v : undefined), 'true or false')
    const command = ['gh', 'auth', 'token', '--hostname', new URL(place.web).host]
    const [token, another] = [...readTokenOrigins(read), ...(gh === true ? [{ command }] : [])]
    if (another) throw new Error(`${where}: only one of token, token-file, token-command and gh`)
    const repositories = read('repositories', textList, 'a list of repositories')
    return { place, ...(token && { token }), ...(repositories && { repositories }), ...readTerms(read) }
  })
}
