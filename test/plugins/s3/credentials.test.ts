import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join, dirname } from 'node:path'
import { AwsIdentity, proofs } from '../../support/aws-identity.js'
import { sharedFiles, type Env } from '#s3/aws-config.js'
import { CredentialSource } from '#s3/credentials.js'
import { bareEnv, keyEnv, keys, withoutAmbientCredentials, withSharedFiles } from './harness.js'

const credentials = `
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default-secret
[ci]
aws_access_key_id = ASIACI
aws_secret_access_key = ci-secret
aws_session_token = ci-token
`

describe('AWS credentials', () => {
  let now = 0
  const source = (env: Env): CredentialSource => new CredentialSource({ env, files: sharedFiles(env), now: () => now })

  withoutAmbientCredentials()

  it('are the keys of the environment', async () => {
    const env = { ...keyEnv, AWS_SESSION_TOKEN: 'token', AWS_CREDENTIAL_EXPIRATION: '2026-01-02T03:04:05Z' }
    assert.deepEqual(await source(env).get(undefined), {
      ...keys,
      sessionToken: 'token',
      expiration: new Date('2026-01-02T03:04:05Z'),
    })
  })

  it('are those of the profile that was asked for, whatever the environment has', async () => {
    await withSharedFiles({ credentials }, async (env) => {
      const { accessKeyId, sessionToken } = await source({ ...keyEnv, ...env }).get('ci')
      assert.deepEqual([accessKeyId, sessionToken], ['ASIACI', 'ci-token'])
    })
  })

  it('are those of AWS_PROFILE before the keys of the environment, as every AWS tool has it', async () => {
    await withSharedFiles({ credentials }, async (env) => {
      const { accessKeyId } = await source({ ...keyEnv, ...env, AWS_PROFILE: 'ci' }).get(undefined)
      assert.equal(accessKeyId, 'ASIACI')
    })
  })

  it('are those of the default profile where the environment has none', async () => {
    await withSharedFiles({ credentials }, async (env) => {
      assert.equal((await source(env).get(undefined)).secretAccessKey, 'default-secret')
    })
  })

  it('come from the command that a profile names, anew when they were refused as expired', async () => {
    const config = (command: string): string => `[profile made]\ncredential_process = ${command}\n`
    await withSharedFiles({}, async (env) => {
      const folder = dirname(env['AWS_CONFIG_FILE'] ?? '')
      const script = join(folder, 'make')
      const counter = join(folder, 'counter')
      const json = `{\\"Version\\":1,\\"AccessKeyId\\":\\"ASIA$n\\",\\"SecretAccessKey\\":\\"s\\",\\"SessionToken\\":\\"t\\"}`
      await writeFile(script, `#!/bin/sh\necho x >> ${counter}\nn=$(wc -l < ${counter} | tr -d ' ')\necho "${json}"\n`)
      await chmod(script, 0o755)
      await writeFile(env['AWS_CONFIG_FILE'] ?? '', config(script))
      const made = source(env)
      assert.equal((await made.get('made')).accessKeyId, 'ASIA1')
      assert.equal((await made.get('made')).accessKeyId, 'ASIA1')
      assert.equal(made.renew('made'), true)
      assert.equal((await made.get('made')).accessKeyId, 'ASIA2')
    })
  })

  it('of the environment cannot be renewed', () => {
    assert.equal(source(keyEnv).renew(undefined), false)
  })

  it('are an error in one line where there are none, remembered for ten seconds', async () => {
    const none = source(bareEnv)
    now = 1000
    const first = await none.get(undefined).catch((error: unknown) => error)
    assert.ok(first instanceof Error)
    assert.match(first.message, /^no AWS credentials: [^\n]+$/)
    now += 9_999
    assert.equal(await none.get(undefined).catch((error: unknown) => error), first)
    now += 1
    assert.notEqual(await none.get(undefined).catch((error: unknown) => error), first)
  })

  it('keep what a failing command was called with to themselves', async () => {
    const config = '[profile broken]\ncredential_process = /nonexistent/make --password hunter2\n'
    await withSharedFiles({ config }, async (env) => {
      await assert.rejects(source(env).get('broken'), (error: Error) => {
        assert.match(error.message, /^no AWS credentials of profile broken: /)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      })
    })
  })

  it('are given up when their source hangs, and asked for anew later', async () => {
    const identity = await AwsIdentity.start()
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${identity.url}/container`
    process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] = proofs.container
    try {
      identity.silent = true
      const hanging = new CredentialSource({
        env: { ...process.env, ...bareEnv },
        files: sharedFiles(bareEnv),
        now: () => now,
        // The second question has this long, too: enough on a loaded machine.
        limit: 2_000,
      })
      await assert.rejects(
        hanging.get(undefined),
        /^Error: no AWS credentials: their source did not answer within 2 s$/,
      )
      identity.silent = false
      now += 10_000
      assert.equal((await hanging.get(undefined)).accessKeyId, 'ASIA1')
    } finally {
      await identity.close()
      delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
      delete process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN']
    }
  })
})
