/** The section `mirrors:` of the configuration file: patterns of URLs, and where to look for them before the origin. */

import { KissError } from '../../errors.js'
import type { Mirror } from '../../upstream/types.js'
import type { SettingsFile } from './file.js'

/** @throws KissError `configuration`, naming file and line */
export function mirrorsOf(file: SettingsFile | undefined): Mirror[] {
  const section = file?.sections.get('mirrors')
  if (file === undefined || section === undefined || section.value === null) return []
  const fail = (): never => {
    throw new KissError('configuration', `${file.file}:${section.line}: mirrors: expected a list of match and to`, {
      hint: 'such as - {match: "https://cdn.kernel.org/**", to: [http://mirror.lab/kernel/]}',
    })
  }
  if (!Array.isArray(section.value)) return fail()
  return section.value.map((item: unknown) => {
    const { match, to, ...others } = typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {}
    const places: unknown[] = Array.isArray(to) ? to : [to]
    if (typeof match !== 'string' || Object.keys(others).length > 0 || places.length === 0) return fail()
    return { match, to: places.map((place) => (typeof place === 'string' ? place : fail())) }
  })
}
