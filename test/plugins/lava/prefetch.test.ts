import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import type { PrefetchResult } from '#lava/prefetch.js'
import { listening, Sandbox, type Ran, type Command } from '../../support/cli.js'
import { bytes, Origin } from '../../support/origin.js'

const kernel = bytes('kernel', 70_000)
const ramdisk = bytes('ramdisk', 300_000)
const hex = (algorithm: string, body: Buffer): string => createHash(algorithm).update(body).digest('hex')

interface Prefetched {
  readonly results: readonly PrefetchResult[]
  readonly hits: number
  readonly misses: number
  readonly failed: number
  readonly bytes: number
  readonly error?: { readonly code: string }
}

interface Listed {
  readonly urls: readonly {
    readonly place: string
    readonly url: string
    readonly cached: boolean | null
    readonly size: number | null
    readonly note: string | null
  }[]
}

describe('kiss lava prefetch and urls', () => {
  let sandbox: Sandbox
  let origin: Origin
  /** One server for all tests: the URLs of each test are new, like the port of its origin. */
  let serving: Command | undefined
  let server: Promise<string> | undefined
  const lab = new Sandbox()
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/Image', { body: kernel, etag: '"1"' })
    origin.serve('/ramdisk.gz', { body: ramdisk, etag: '"2"' })
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })
  after(async () => {
    serving?.child.kill('SIGTERM')
    await serving?.ended
    lab.remove()
  })

  const run = (command: string, ...args: string[]): Promise<Ran> => sandbox.run(['lava', command, ...args])
  const json = async <Result>(command: string, ...args: string[]): Promise<Result> =>
    JSON.parse((await run(command, '--json', ...args)).stdout) as Result
  function serve(): Promise<string> {
    serving ??= lab.startServer(['--port', '0', '--allow-upstream', '127.0.0.0/8'])
    server ??= listening(serving)
    return server
  }
  function write(deploy: string): void {
    writeFileSync(path.join(sandbox.cwd, 'job.yaml'), `actions:\n- deploy:\n    to: tftp\n${deploy}`)
  }
  const artifact = (key: string, url: string, more = ''): string => `    ${key}: {url: "${origin.url(url)}"${more}}\n`

  for (const [where, flags] of [
    ['the local cache', async (): Promise<string[]> => []],
    ['a server', async () => ['--server', await serve()]],
  ] as const) {
    describe(`with ${where}`, () => {
      it('has everything fetched once, and knows what is there', async () => {
        write(
          artifact('kernel', '/Image', `, sha256sum: ${hex('sha256', kernel)}`) +
            artifact(
              'ramdisk',
              '/ramdisk.gz',
              `, md5sum: ${hex('md5', ramdisk)}, sha512sum: ${hex('sha512', ramdisk)}`,
            ) +
            artifact('dtb', '/Image', `, sha256sum: ${hex('sha256', kernel)}`) +
            artifact('modules', '/not-cached', ', use_cache: false') +
            '    tee: {url: "https://h/{TEE}"}\n',
        )
        const to = await flags()
        const before = await json<Listed>('urls', ...to, 'job.yaml')
        assert.deepEqual(
          before.urls.map(({ place, cached, size }) => [place, cached, size]),
          [
            ['kernel.url', false, null],
            ['ramdisk.url', false, null],
            ['dtb.url', false, null],
            ['modules.url', null, null],
            ['tee.url', null, null],
          ],
        )
        assert.deepEqual(origin.requests, [], 'urls downloads nothing')

        const first = await run('prefetch', ...to, 'job.yaml')
        assert.equal(first.code, 0, first.stderr)
        assert.match(first.stdout, /^miss +68.4 KiB +\S+ {2}job\.yaml:4: kernel\.url, job\.yaml:6: dtb\.url$/m)
        assert.match(first.stdout, /^2 artifacts, 361 KiB: 0 hits, 2 misses$/m)
        assert.match(first.stderr, /^job\.yaml:8: tee\.url has a placeholder \{TEE\}; left as it is$/m)

        const second = await json<Prefetched>('prefetch', ...to, 'job.yaml')
        assert.deepEqual([second.hits, second.misses, second.failed, second.bytes], [2, 0, 0, 370_000])
        assert.deepEqual(
          second.results[0]?.places.map(({ line }) => line),
          [4, 6],
        )
        assert.equal(second.results[0].sha256, hex('sha256', kernel))
        const bodies = origin.requests.filter(({ method, sent }) => method === 'GET' && sent > 0)
        assert.equal(bodies.length, 2)

        const after = await json<Listed>('urls', ...to, 'job.yaml')
        assert.deepEqual(
          after.urls.slice(0, 3).map(({ cached, size }) => [cached, size]),
          [
            [true, 70_000],
            [true, 300_000],
            [true, 70_000],
          ],
        )
        const table = await run('urls', ...to, 'job.yaml')
        assert.deepEqual(table.stderr.split('\n'), [
          'job.yaml:7: modules.url has a false use_cache; left as it is',
          'job.yaml:8: tee.url has a placeholder {TEE}; left as it is',
          '',
        ])
        assert.match(table.stdout, /^job\.yaml:4 +kernel\.url +68\.4 KiB +yes +http:/m)
        assert.match(table.stdout, /^job\.yaml:7 +modules\.url +- +- +http:/m)
      })

      it('exits with 3 when an artifact is missing, and fetches the others all the same', async () => {
        origin.script('/gone', [{ status: 404 }])
        write(artifact('ramdisk', '/gone') + artifact('kernel', '/Image'))
        const { code, stdout, stderr } = await run('prefetch', ...(await flags()), 'job.yaml')
        assert.equal(code, 3)
        assert.match(stderr, /^job\.yaml:4: ramdisk\.url: .*404/m)
        assert.match(stdout, /^miss .*kernel\.url$/m)
        assert.match(stdout, /^2 artifacts, 68.4 KiB: 0 hits, 1 miss, 1 failed$/m)
      })

      it('exits with 5 when a sum is not the promised one, as LAVA would', async () => {
        const to = await flags()
        for (const [sum, hint] of [
          [
            `sha256sum: ${hex('sha256', ramdisk)}`,
            /^job\.yaml:4: kernel\.url: http:\/\/\S+\/Image has the sha256sum [0-9a-f]{64}, not [0-9a-f]{64}\n$/,
          ],
          [`sha512sum: ${hex('sha512', ramdisk)}`, /sha512sum/],
          [`md5sum: ${hex('md5', kernel).toUpperCase()}`, /md5sum .*; LAVA takes lower case only/],
        ] as const) {
          write(artifact('kernel', '/Image', `, ${sum}`))
          const { code, stderr } = await run('prefetch', ...to, 'job.yaml')
          assert.equal(code, 5)
          assert.match(stderr, hint)
        }
      })

      it('sends the headers of the job along', async () => {
        origin.serve('/private', { body: kernel, etag: '"p"', requires: { 'private-token': 's3cret' } })
        write(artifact('kernel', '/private', ', headers: {PRIVATE-TOKEN: s3cret}'))
        const { code, stdout, stderr } = await run('prefetch', ...(await flags()), 'job.yaml')
        assert.equal(code, 0, stderr)
        assert.doesNotMatch(stdout + stderr, /s3cret/)
      })

      it('exits with 2 for a header that HTTP cannot hold, and shows nothing of it', async () => {
        write(artifact('kernel', '/Image', ', headers: {PRIVATE-TOKEN: "s3c\\nret"}'))
        const { code, stderr } = await run('prefetch', ...(await flags()), 'job.yaml')
        assert.match(
          stderr,
          /^job.yaml:4: kernel.url: the header private-token has a character that no header may have$/m,
        )
        assert.equal(code, 2)
        assert.doesNotMatch(stderr, /s3c|later/)
        assert.deepEqual(origin.requests, [])
      })
    })
  }

  it('follow a job that was rewritten for the server, and a server gives what LAVA would have downloaded', async () => {
    const server = await serve()
    const names = ['/a%2Fb%20c.img', '/d;p=1/x+y.img;v=2', '/größe.img', '/with%3Fquery?a=b&c=%26']
    for (const [index, name] of names.entries())
      origin.serve(name.replace('ö', '%C3%B6').replace('ß', '%C3%9F'), { body: bytes(name, 1000 + index) })
    writeFileSync(
      path.join(sandbox.cwd, 'job.yaml'),
      `actions:\n- deploy:\n    to: downloads\n    images:\n${names.map((name, i) => `      i${i}: {url: '${origin.url(name)}'}\n`).join('')}`,
    )
    const { stdout: text } = await run('rewrite', '--server', server, 'job.yaml')
    writeFileSync(path.join(sandbox.cwd, 'rewritten.yaml'), text)
    const { results } = await json<Prefetched>('prefetch', '--server', server, 'rewritten.yaml')
    assert.deepEqual(
      results.map(({ size }) => size),
      [1000, 1001, 1002, 1003],
    )
    const original = await json<Prefetched>('prefetch', '--server', server, 'job.yaml')
    assert.equal(original.hits, 4)

    const rewritten = parse(text) as { actions: [{ deploy: { images: Record<string, { url: string }> } }] }
    for (const [index, name] of names.entries()) {
      const answer = await fetch(rewritten.actions[0].deploy.images[`i${index}`]!.url)
      assert.equal(answer.status, 200)
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes(name, 1000 + index))
      assert.match(answer.headers.get('cache-status') ?? '', /^kiss; hit/)
    }
  })

  it('say when the server does not answer', async () => {
    write(artifact('kernel', '/Image'))
    for (const command of ['prefetch', 'urls']) {
      const { code, stderr } = await run(command, '--server', 'http://127.0.0.1:1', 'job.yaml')
      assert.equal(code, 4)
      assert.match(stderr, /http:\/\/127\.0\.0\.1:1\/ does not answer: the connection was refused/)
    }
    assert.deepEqual(origin.requests, [])
  })

  it('keep credentials from a server on the network without https', async () => {
    write(artifact('kernel', '/Image', ', headers: {PRIVATE-TOKEN: s3cret}'))
    const { code, stderr } = await run('prefetch', '--server', 'http://kiss.example.com:8001', 'job.yaml')
    assert.equal(code, 2)
    assert.match(stderr, /unencrypted/)
    assert.doesNotMatch(stderr, /s3cret/)
  })

  it('say of what they do not know all downloads', async () => {
    writeFileSync(
      path.join(sandbox.cwd, 'job.yaml'),
      'actions:\n- deploy:\n    to: the-moon\n    image: {url: http://h/a}\n- repeat:\n    actions:\n    - deploy: {to: usb, image: {url: http://h/b}}\n---\nname: none\n',
    )
    for (const command of ['prefetch', 'urls']) {
      const { code, stderr } = await run(command, 'job.yaml')
      assert.equal(code, 0)
      assert.deepEqual(stderr.trimEnd().split('\n'), [
        'job.yaml:3: deploy.to is the-moon, a method that kiss does not know; left as it is',
        'job.yaml:5: repeat is an action that LAVA does not know; left as it is',
        'job.yaml:9: the document has no list of actions: no LAVA job; left as it is',
      ])
    }
  })

  it('name file, line and column of what is not YAML', async () => {
    writeFileSync(path.join(sandbox.cwd, 'job.yaml'), 'actions: [\n')
    for (const command of ['prefetch', 'urls']) {
      const { code, stderr } = await run(command, 'job.yaml')
      assert.equal(code, 2)
      assert.match(stderr, /^kiss: job\.yaml:2:1: not YAML/)
    }
  })
})
