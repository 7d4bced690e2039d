/** What the tests of the S3 plugin share: settings without a machine's own, and a place to keep files. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { awsConfig, readShared, sharedFiles, type Env } from '#s3/aws-config.js'
import { Places } from '#s3/places.js'
import { readSettings } from '#s3/settings.js'

/** No home, and so no shared files. */
export const bareEnv: Env = { HOME: '/nonexistent' }

export const keys = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

export const keyEnv: Env = {
  ...bareEnv,
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
}

/** What a program needs to use this server with {@link keys}. */
export const environmentFor = ({ endpoint }: { readonly endpoint: string }): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  AWS_ENDPOINT_URL: endpoint,
  AWS_EC2_METADATA_DISABLED: 'true',
})

export function placesFor(section: unknown = {}, env: Env = bareEnv): Places {
  const shared = readShared(sharedFiles(env))
  return new Places(readSettings(section, env), (profile) => awsConfig(env, shared, profile))
}

/**
 * The credential chain asks the process's own environment for its last links (web identity, containers, instances): for
 * the suite that calls this, none of them is there.
 */
export function withoutAmbientCredentials(): void {
  const saved = new Map<string, string | undefined>()
  before(() => {
    const names = Object.keys(process.env).filter((name) => name.startsWith('AWS_'))
    for (const name of [...names, 'AWS_EC2_METADATA_DISABLED']) saved.set(name, process.env[name])
    for (const name of names) Reflect.deleteProperty(process.env, name)
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
    // What the SDK says about Node 20 is for those who deploy it, not for these tests.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
  })
  after(() => {
    for (const [name, value] of saved) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  })
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
