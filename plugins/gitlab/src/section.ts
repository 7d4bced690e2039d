/** The section `gitlab:` of the configuration file: a list of instances, checked key by key. Pure. */

import { oneOf, readEntries, readTerms, readTokenOrigins, textList } from 'kiss-cache/provider-kit'
import { instanceOf } from './instance.js'
import { tokenKinds, type TokenKind } from './token.js'
import type { InstanceSettings } from './types.js'

const keys = ['host', 'token', 'token-file', 'token-command', 'kind', 'projects', 'share', 'moving-ttl', 'tags']

export type SectionEntry = Partial<InstanceSettings> & Pick<InstanceSettings, 'instance'>

/** @param section as parsed; @throws Error that says which entry and which key, without values that may be secret */
export function readSection(section: unknown): SectionEntry[] {
  return readEntries(section, 'gitlab', keys, (read, where) => {
    const instance = read(
      'host',
      (v) => (typeof v === 'string' ? instanceOf(v) : undefined),
      'a host, or its URL without a user',
    )
    if (instance === undefined) throw new Error(`${where}: host is missing`)
    const kind = read('kind', oneOf<TokenKind>(tokenKinds), tokenKinds.join(', '))
    const [origin, another] = readTokenOrigins(read)
    if (another) throw new Error(`${where}: only one of token, token-file and token-command`)
    if (kind !== undefined && origin === undefined) throw new Error(`${where}.kind: there is no token`)
    const projects = read('projects', textList, 'a list of projects')
    return {
      instance,
      ...(origin && { token: { kind: kind ?? 'private', origin } }),
      ...(projects && { projects }),
      ...readTerms(read),
    }
  })
}
