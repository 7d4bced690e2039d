/** The instances that environment and configuration file name, each with its token and what may be done with it. Pure. */

import { instanceOf, type Instance } from './instance.js'
import { readSection } from './section.js'
import type { TokenKind } from './token.js'
import type { InstanceSettings } from './types.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Five minutes: short enough for a push to show soon, long enough for the boards of one test run. */
const MOVING_TTL = 5 * 60

/**
 * `GITLAB_TOKEN` beats the file, and the file beats `CI_JOB_TOKEN`, which may do least. gitlab.com is always known,
 * without a token where none is set.
 * @throws Error that names the setting, never its value where that may be secret
 */
export function readSettings(section: unknown, env: Environment): InstanceSettings[] {
  const projects = env['KISS_GITLAB_PROJECTS']?.split(',').flatMap((name) => name.trim() || [])
  const found = new Map<string, InstanceSettings>()
  const add = ({ instance, ...more }: Partial<InstanceSettings> & Pick<InstanceSettings, 'instance'>): void => {
    const known = found.get(instance.base) ?? defaults(instance)
    found.set(instance.base, { ...known, ...more, projects: projects ?? more.projects ?? known.projects })
  }

  const job = jobServer(env)
  add({ instance: gitlabCom })
  if (job !== undefined) add(job)
  for (const entry of readSection(section)) add(entry)
  const named = namedServer(env, job?.instance ?? gitlabCom)
  if (named !== undefined) add(named)
  return [...found.values()]
}

function defaults(instance: Instance): InstanceSettings {
  return { instance, token: undefined, projects: [], share: 'all', movingTtl: MOVING_TTL, tags: [] }
}

const gitlabCom: Instance = { base: 'https://gitlab.com', label: 'gitlab.com' }

/** The server of the CI job that this runs in. */
function jobServer(env: Environment): Pick<InstanceSettings, 'instance' | 'token'> | undefined {
  const instance = hostIn(env, 'CI_SERVER_URL') ?? hostIn(env, 'CI_API_V4_URL')
  if (instance === undefined) return undefined
  return { instance, token: tokenOf(filled(env['CI_JOB_TOKEN']), 'job') }
}

/** The instance that glab would talk to; `fallback` is the one where a token without a host belongs. */
function namedServer(
  env: Environment,
  fallback: Instance,
): (Partial<InstanceSettings> & { instance: Instance }) | undefined {
  const instance = hostIn(env, 'GITLAB_HOST') ?? hostIn(env, 'GL_HOST')
  const text = filled(env['GITLAB_TOKEN']) ?? filled(env['GITLAB_ACCESS_TOKEN'])
  const token = tokenOf(text, env['GLAB_IS_OAUTH2'] === 'true' ? 'bearer' : 'private')
  if (token === undefined) return instance && { instance }
  return { instance: instance ?? fallback, token }
}

/** The instance of a command that names none: glab's, the job's, the only one in the file, gitlab.com. */
export function defaultInstance(env: Environment, section?: unknown): Instance {
  const [only, ...more] = readSection(section)
  const inFile = more.length === 0 ? only?.instance : undefined
  return hostIn(env, 'GITLAB_HOST') ?? hostIn(env, 'GL_HOST') ?? jobServer(env)?.instance ?? inFile ?? gitlabCom
}

function hostIn(env: Environment, name: string): Instance | undefined {
  const text = filled(env[name])
  if (text === undefined) return undefined
  const instance = instanceOf(text)
  if (instance === undefined) throw new Error(`${name} is no host, and no http or https URL of one without a user`)
  return instance
}

function tokenOf(token: string | undefined, kind: TokenKind): InstanceSettings['token'] {
  if (token === undefined) return undefined
  // A job's token begins like this, and people hand it to glab as GITLAB_TOKEN.
  return { kind: token.startsWith('glcbt-') ? 'job' : kind, origin: { token } }
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
