/** What the tests of the S3 plugin share: settings without a machine's own, and a place to keep files. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { awsConfig, readShared, sharedFiles, type Env } from '#s3/aws-config.js'
import { Places } from '#s3/places.js'
import { readSettings } from '#s3/settings.js'

/** No home, no instance metadata. */
export const bareEnv: Env = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' }

export const keys = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

export const keyEnv: Env = {
  ...bareEnv,
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
}

export function placesFor(section: unknown = {}, env: Env = bareEnv): Places {
  const shared = readShared(sharedFiles(env))
  return new Places(readSettings(section, env), (profile) => awsConfig(env, shared, profile))
}

/** Writes shared config files of AWS for the duration of `use`, which gets the environment that names them. */
export async function withSharedFiles<T>(
  files: { config?: string; credentials?: string },
  use: (env: Env) => Promise<T> | T,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kiss-s3-'))
  const env = {
    ...bareEnv,
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  }
  try {
    await writeFile(env.AWS_CONFIG_FILE, files.config ?? '')
    await writeFile(env.AWS_SHARED_CREDENTIALS_FILE, files.credentials ?? '')
    return await use(env)
  } finally {
    await rm(folder, { recursive: true })
  }
}
