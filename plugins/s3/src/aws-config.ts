/** What the environment and the shared config files of AWS say about S3, for one profile. */

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseIni, type Ini } from './ini.js'
import type { Addressing } from './object.js'

export type Env = Readonly<Record<string, string | undefined>>

export interface AwsConfig {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly addressing: Addressing | undefined
  readonly dualstack: boolean
  readonly fips: boolean
}

/** Where the shared files are, as every AWS tool looks for them. */
export interface SharedFiles {
  readonly config: string
  readonly credentials: string
}

export function sharedFiles(env: Env): SharedFiles {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir()
  return {
    config: env['AWS_CONFIG_FILE'] ?? join(home, '.aws', 'config'),
    credentials: env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(home, '.aws', 'credentials'),
  }
}

export function readShared(files: SharedFiles): Ini {
  const credentials = [...parseIni(read(files.credentials))].map(
    ([name, settings]) => [name === 'default' ? name : `profile ${name}`, settings] as const,
  )
  const config = [...parseIni(read(files.config))].map(
    ([name, settings]) => [name === 'profile default' ? 'default' : name, settings] as const,
  )
  const merged = new Map<string, Map<string, string>>()
  for (const [name, settings] of [...credentials, ...config]) {
    merged.set(name, new Map([...(merged.get(name) ?? []), ...settings]))
  }
  return merged
}

/** A file that is not there, or not to be read, has no settings: so every AWS SDK takes it. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

export function profileSettings(shared: Ini, name: string): ReadonlyMap<string, string> | undefined {
  return shared.get(`profile ${name}`) ?? shared.get(name)
}

/**
 * @param profile One that kiss's own settings name: what it says then comes before the environment, since it was chosen
 * for this bucket. Otherwise the environment comes first, as with every AWS tool.
 */
export function awsConfig(env: Env, shared: Ini, profile: string | undefined): AwsConfig {
  const name = profile ?? (env['AWS_PROFILE'] || 'default')
  const settings = profileSettings(shared, name)
  const file = (key: string): string | undefined => settings?.get(key)
  const services = shared.get(`services ${file('services') ?? ''}`)
  const first = (fromEnv: string | undefined, fromFile: string | undefined): string | undefined =>
    profile === undefined ? fromEnv || fromFile : (fromFile ?? (fromEnv || undefined))

  const ignore = first(env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'], file('ignore_configured_endpoint_urls')) === 'true'
  const endpoint = first(
    env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'],
    services?.get('s3.endpoint_url') ?? file('endpoint_url'),
  )
  const style = file('s3.addressing_style')
  return {
    region: first(env['AWS_REGION'] || env['AWS_DEFAULT_REGION'], file('region')),
    endpoint: ignore ? undefined : endpoint,
    addressing: style === 'path' || style === 'virtual' ? style : undefined,
    dualstack: first(env['AWS_USE_DUALSTACK_ENDPOINT'], file('use_dualstack_endpoint')) === 'true',
    fips: first(env['AWS_USE_FIPS_ENDPOINT'], file('use_fips_endpoint')) === 'true',
  }
}

/** The same for any profile: the shared files are read when the first S3 question is asked, and once. */
export function configReader(env: Env, files: SharedFiles): (profile: string | undefined) => AwsConfig {
  let shared: Ini | undefined
  const known = new Map<string | undefined, AwsConfig>()
  return (profile) => {
    const config = known.get(profile) ?? awsConfig(env, (shared ??= readShared(files)), profile)
    known.set(profile, config)
    return config
  }
}
