/** Why there are no AWS credentials, in one line without secrets. Pure. */

import { profileSettings, type Env } from './aws-config.js'
import type { Ini } from './ini.js'

export interface Sought {
  readonly env: Env
  /** The profile that the settings or the environment name; undefined: the default profile. */
  readonly profile: string | undefined
  readonly shared: Ini
}

/** The chain's own words, and ours where it has none or where they may hold a secret: an answer, a command, a query. */
export function reasonOf(cause: unknown, sought: Sought): string {
  const line = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? ''
  if (cause instanceof SyntaxError || /\bXML parse error/.test(line)) return 'their source answered with something else'
  // The chain of the SDK throws a TypeError where a setting names a section that does not exist.
  if (/^Could not load credentials/.test(line) || cause instanceof TypeError) return noneFound(sought)
  return line.replace(/(https?:\/\/[^\s?]*)\?\S*/g, '$1').slice(0, 300)
}

/** The chain has asked every source, and does not tell what the one that was meant has said. */
function noneFound({ env, profile, shared }: Sought): string {
  const fault = faultOf(profileSettings(shared, profile ?? 'default') ?? new Map<string, string>(), shared)
  if (fault !== undefined) return fault
  if (isContainer(env)) return 'the credential service of the container gives none'
  const instance = isSet(env['AWS_EC2_METADATA_DISABLED']) ? '' : ', nor of an EC2 instance'
  const anonymous = 'for a public bucket set anonymous: true'
  if (profile !== undefined) return `none in its settings${instance}; ${anonymous}`
  const [key, secret] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']].map(Boolean)
  if (key !== secret) return `${key ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'} is not set`
  return `none in the environment or the shared config files${instance}; ${anonymous}`
}

/** What keeps a profile from giving its credentials, as far as its settings tell. */
function faultOf(settings: ReadonlyMap<string, string>, shared: Ini): string | undefined {
  if (settings.has('credential_process')) return 'its credential_process failed, or printed no valid credentials'
  const session = settings.get('sso_session')
  if (session !== undefined && !shared.has(`sso-session ${session}`)) return `there is no sso-session ${session}`
  for (const [one, other] of keyPairs) {
    if (settings.has(one) && !settings.has(other)) return `it has ${one} without ${other}`
  }
  if (!settings.has('role_arn') || settings.has('web_identity_token_file')) return undefined
  const source = settings.get('source_profile')
  if (source !== undefined) {
    const missing = profileSettings(shared, source) === undefined
    return missing ? `there is no source_profile ${source}` : `its source_profile ${source} gives no credentials`
  }
  return settings.has('credential_source')
    ? 'its credential_source gives no credentials'
    : 'it has role_arn without source_profile or credential_source'
}

const keyPairs = [
  ['aws_access_key_id', 'aws_secret_access_key'],
  ['aws_secret_access_key', 'aws_access_key_id'],
] as const

export function isContainer(env: Env): boolean {
  return Boolean(env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] || env['AWS_CONTAINER_CREDENTIALS_FULL_URI'])
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false'
}
