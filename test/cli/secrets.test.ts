import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../support/command-line.js'
import { bytes, latch } from '../support/origin.js'
import { filesWith, secretsIn } from '../support/secrets.js'
import { Serving } from '../support/serving.js'
import { get, open, raw, take, type Answer } from '../server/support/client.js'

/** One for each place in which a secret can stand; with characters that get encoded on the way. */
const secret = {
  user: 'sesame-user/1+a=',
  password: 'sesame-password/2+b=',
  token: 'sesame-token/3+c=',
  signature: 'sesame-signature/4+d=',
  fragment: 'sesame-fragment/5+e=',
  privateToken: 'sesame-private-token/6+f=',
  bearer: 'sesame-bearer/7+g=',
  passed: 'sesame-passheaders/8+h=',
  storage: 'sesame-storage-signature/9+i=',
  cookie: 'sesame-cookie/10+j=',
  client: 'sesame-client-token/11+k=',
  admin: 'sesame-admin-token/12+l=',
  proxyPassword: 'sesame-proxy/13+m=',
} as const
const secrets = Object.values(secret)

describe('a secret', () => {
  const body = bytes('secrets', 300_000)
  const cli = commandLine()

  /** The URL of a path with a secret in every part that can hold one. */
  const loaded = (name: string): string => {
    const { user, password, token, signature, fragment } = secret
    const parameters = [
      `token=${encodeURIComponent(token)}`,
      `X-Amz-Signature=${encodeURIComponent(signature)}`,
      'part=1',
    ]
    const userinfo = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
    return `${cli.origin.url(name).replace('//', `//${userinfo}@`)}?${parameters.join('&')}#${encodeURIComponent(fragment)}`
  }
  const headers = {
    'PRIVATE-TOKEN': secret.privateToken,
    Authorization: `Bearer ${secret.bearer}`,
    'X-Passed': secret.passed,
    'X-Kiss-Token': secret.client,
    Cookie: `session=${secret.cookie}`,
  }
  const script = (held: Promise<unknown>): void => {
    const extra = { 'set-cookie': `session=${secret.cookie}`, 'www-authenticate': `Basic realm="${secret.bearer}"` }
    cli.origin.serve('/good', { body, etag: '"v1"', extra })
    cli.origin.serve('/weak', { body, etag: 'W/"v1"', extra })
    for (const status of [401, 403, 404, 500])
      cli.origin.script(`/${status}`, [{ status, text: `no: ${JSON.stringify(headers)}`, headers: extra }])
    cli.origin.script('/cut', [
      { body, etag: '"c"', cut: { after: 100_000 } },
      { status: 404, text: secret.token },
    ])
    cli.origin.script('/held', [{ body, etag: '"h"', stall: { after: 100_000, until: held } }])
    const signed = `${cli.origin.url('/good')}?X-Amz-Signature=${encodeURIComponent(secret.storage)}`
    for (const [name, redirect] of [
      ['/moved', signed],
      ['/circle', `${cli.origin.url('/circle')}?token=${encodeURIComponent(secret.storage)}`],
      ['/elsewhere', `ftp://${encodeURIComponent(secret.storage)}@host/`],
      ['/forbidden', `http://169.254.169.254/?token=${encodeURIComponent(secret.storage)}`],
    ] as const)
      cli.origin.script(name, [{ redirect }])
  }
  const names = [
    '/good',
    '/weak',
    '/401',
    '/403',
    '/404',
    '/500',
    '/cut',
    '/moved',
    '/circle',
    '/elsewhere',
    '/forbidden',
  ]
  const shown = (answer: Answer): string =>
    `${JSON.stringify(answer.headers)}\n${answer.status < 300 ? '' : answer.text}`

  it('that a client gives kiss serve, or an origin does, is neither written nor shown', async () => {
    const gate = latch()
    script(gate.opened)
    const [clients, admins] = ['clients', 'admins'].map((name) => path.join(cli.sandbox.root, name)) as [string, string]
    writeFileSync(clients, secret.client)
    writeFileSync(admins, secret.admin)
    const kiss = await Serving.start(cli.sandbox, [
      ...['--allow-upstream', '127.0.0.0/8', '--log-level', 'trace', '--retry-for', '1s', '--auth-ttl', '0s'],
      ...['--client-token-file', clients, '--admin-token-file', admins],
    ])
    const seen: string[] = []
    const ask = async (url: string, more = '', method = 'GET'): Promise<void> => {
      const answer = await get(kiss.fetchUrl(url, `&passheaders=Authorization,PRIVATE-TOKEN,X-Passed,Cookie${more}`), {
        method,
        headers: method === 'DELETE' ? { ...headers, Authorization: `Bearer ${secret.admin}` } : headers,
      })
      seen.push(shown(answer))
    }
    const growing = await open(kiss.fetchUrl(loaded('/held')), { headers })
    await take(growing, 50_000)
    // What a transfer writes is there while it is under way alone.
    assert.deepEqual(await filesWith(cli.sandbox.cacheDir, secrets), [], 'in flight')
    for (const method of ['GET', 'HEAD', 'GET', 'DELETE', 'GET'])
      for (const name of names) await ask(loaded(name), '', method)
    await ask(loaded('/good'), `&sha256=${'0'.repeat(64)}`)
    await ask(loaded('/good'), `&ttl=soon`)
    for (const scheme of ['nothing', 's3', 'ftp', 'http:', '']) await ask(loaded('/good').replace('http', scheme))
    await ask(loaded('/good').replace('127.0.0.1', '169.254.169.254'))
    await ask(loaded('/good').replace('127.0.0.1', '[::bad'))
    await ask(kiss.url.replace('//', `//${encodeURIComponent(secret.user)}@`))
    seen.push(shown(await get(kiss.fetchUrl(loaded('/good')), { headers: { 'X-Kiss-Token': `${secret.client}x` } })))
    seen.push(
      await raw(
        kiss.port,
        `GET /api/v1/fetch?url=${loaded('/good')} HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n`,
      ),
    )
    const pages = ['', 'metrics', 'help/', 'statistics/', 'api/v1/status/', 'api/v1/health/', 'nowhere']
    for (const list of ['scheduled', 'downloading', 'successes', 'failures']) pages.push(`resources/${list}/`)
    for (const token of [secret.client, secret.admin])
      for (const page of pages) {
        const answer = await get(kiss.url + page, { headers: { Authorization: `Bearer ${token}` } })
        seen.push(`${JSON.stringify(answer.headers)}\n${answer.text}`)
      }
    gate.open()
    growing.resume()
    const log = await kiss.stop()

    assert.ok(cli.origin.requests.length > 30 && log.length > 10_000, 'it was busy')
    const sent = JSON.stringify(cli.origin.requests)
    for (const given of [secret.privateToken, secret.bearer, secret.passed]) assert.ok(sent.includes(given), given)
    for (const ours of [secret.client, secret.admin]) assert.ok(!sent.includes(ours), ours)
    for (const text of [log, ...seen]) assert.deepEqual(secretsIn(text, secrets), [], text.slice(0, 2000))
    assert.deepEqual(await filesWith(cli.sandbox.cacheDir, secrets), [], 'at the end')
  })

  it('that a user gives the command line is written nowhere and shown nowhere', async () => {
    script(Promise.resolve())
    const given = ['-H', `PRIVATE-TOKEN: ${secret.privateToken}`, '-H', `Authorization: Bearer ${secret.bearer}`]
    const seen: string[] = []
    const run = async (...args: string[]): Promise<void> => {
      const { stdout, stderr } = await cli.sandbox.run(args, {
        env: { HTTPS_PROXY: `http://me:${encodeURIComponent(secret.proxyPassword)}@127.0.0.1:1` },
      })
      seen.push(stdout, stderr)
    }
    for (const name of ['/good', '/404', '/cut', '/moved', '/circle', '/elsewhere']) {
      await run('fetch', loaded(name), '--max-time', '3s', ...given)
      await run('fetch', loaded(name), '--max-time', '3s', '--json', ...given)
    }
    await run('fetch', loaded('/good'), '--offline', '--json')
    await run('fetch', loaded('/good').replace('http', 'nothing'), '--json')
    await run('fetch', loaded('/good').replace('http', 'https'), '--max-time', '2s')
    await run('fetch', '-H', secret.privateToken, loaded('/good'))
    await run('fetch', '--nonsense', secret.privateToken, '--json', ...given, loaded('/good'))
    await run(
      'fetch',
      loaded('/good'),
      '--server',
      `http://u:${encodeURIComponent(secret.password)}@example.invalid/`,
      ...given,
    )
    for (const command of ['list', 'stats', 'verify']) {
      await run(command)
      await run(command, '--json')
    }
    assert.deepEqual(await filesWith(cli.sandbox.cacheDir, secrets), [])
    await run('purge', loaded('/good'), '--yes', '--json')
    await run('purge', loaded('/good').replace('127', '[bad'), '--yes', '--json')

    assert.ok(JSON.stringify(cli.origin.requests).includes(secret.privateToken))
    for (const text of seen) assert.deepEqual(secretsIn(text, secrets), [], text)
    assert.deepEqual(await filesWith(cli.sandbox.root, secrets), [])
  })
})

describe('the search for secrets', () => {
  it('finds each in every form', () => {
    const text = 'some+secret/value=='
    const encoded = Buffer.from(`ab${text}cd`).toString('base64')
    for (const hidden of [text, encodeURIComponent(text), encoded, Buffer.from(text).toString('hex')])
      assert.deepEqual(secretsIn(`before ${hidden} after`, [text, 'another secret']), [text], hidden)
  })
})
