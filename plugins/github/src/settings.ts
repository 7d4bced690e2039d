/** The GitHubs that environment and configuration file name, each with its token and its rules of lending. Pure. */

import { githubCom, placeOf, type Place } from './place.js'
import { readSection } from './section.js'
import type { HostSettings } from './types.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Seconds. Five minutes: short enough for a push to show soon, long enough for the boards of a test run. */
const MOVING_TTL = 5 * 60

/**
 * The environment is that of `gh` and of a job in Actions: GH_HOST or GITHUB_SERVER_URL, with GH_TOKEN or GITHUB_TOKEN. Its
 * token beats the file. github.com is always known, without a token where none is set.
 * @throws Error that names the setting, never its value where that may be secret
 */
export function readSettings(section: unknown, env: Environment): HostSettings[] {
  const repositories = env['KISS_GITHUB_REPOSITORIES']?.split(',').flatMap((name) => name.trim() || [])
  const found = new Map<string, HostSettings>()
  const add = ({ place, ...more }: Partial<HostSettings> & Pick<HostSettings, 'place'>): void => {
    const known = found.get(place.web) ?? defaults(place)
    const lent = repositories ?? more.repositories ?? known.repositories
    found.set(place.web, { ...known, ...more, place, repositories: lent })
  }
  add({ place: githubCom })
  for (const entry of readSection(section)) add(entry)
  const place = defaultPlace(env)
  const token = tokenFor(place, env)
  add({ place, ...(token !== undefined && { token: { token } }) })
  return [...found.values()]
}

function defaults(place: Place): HostSettings {
  return { place, token: undefined, repositories: [], share: 'all', movingTtl: MOVING_TTL, tags: [] }
}

/** The GitHub that `github:` URLs and commands without a host mean. */
export function defaultPlace(env: Environment): Place {
  const host = filled(env['GH_HOST'])
  const server = filled(env['GITHUB_SERVER_URL'])
  if (host === undefined && server === undefined) return githubCom
  const api = host === undefined || host === server ? filled(env['GITHUB_API_URL']) : undefined
  const place = placeOf(host ?? server ?? '', api)
  if (place !== undefined) return place
  if (placeOf(host ?? server ?? '') !== undefined)
    throw new Error('GITHUB_API_URL is no http or https URL without a user')
  const name = host === undefined ? 'GITHUB_SERVER_URL' : 'GH_HOST'
  throw new Error(`${name} is no host, and no http or https URL of one`)
}

/** gh keeps tokens of Enterprise servers in variables of their own. */
function tokenFor(place: Place, env: Environment): string | undefined {
  const enterprise = ['GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN']
  const names = [...(place === githubCom ? [] : enterprise), 'GH_TOKEN', 'GITHUB_TOKEN']
  return names.map((name) => filled(env[name])).find((token) => token !== undefined)
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
