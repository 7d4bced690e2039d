/** Why there are no AWS credentials, in one line without secrets. Pure. */

import type { Env } from './aws-config.js'

export interface Sought {
  readonly env: Env
  /** Of the profile that was asked. */
  readonly settings: ReadonlyMap<string, string> | undefined
}

/** The chain's own words, and ours where it has none or where they may hold a secret: an answer, a command, a query. */
export function reasonOf(cause: unknown, sought: Sought): string {
  const line = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? ''
  if (cause instanceof SyntaxError || /\bXML parse error/.test(line)) return 'their source answered with something else'
  if (/^Could not load credentials/.test(line)) return noneFound(sought)
  return line.replace(/(https?:\/\/[^\s?]*)\?\S*/g, '$1').slice(0, 300)
}

/** The chain has asked every source, and does not tell what the one that was meant has said. */
function noneFound({ env, settings }: Sought): string {
  if (settings?.has('credential_process') === true) return 'the credential_process of the profile failed'
  if (isContainer(env)) return 'the credential service of the container gives none'
  const instance = isSet(env['AWS_EC2_METADATA_DISABLED']) ? '' : ', nor of an EC2 instance'
  return `none in the environment or the shared config files${instance}; for a public bucket set anonymous: true`
}

export function isContainer(env: Env): boolean {
  return Boolean(env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] || env['AWS_CONTAINER_CREDENTIALS_FULL_URI'])
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false'
}
