import assert from 'node:assert/strict'
import { progressLines } from '#kiss/cli/progress.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'
import { until } from '../support/until.js'

describe('kiss fetch without a terminal', () => {
  const cli = commandLine()
  let url: string
  beforeEach(() => {
    cli.origin.serve('/a/Image.gz', { body: bytes('flags', 50_000), etag: '"1"' })
    url = cli.origin.url('/a/Image.gz')
  })
  const loud = { env: { KISS_NO_PROGRESS: undefined } }

  it('says a line at the start and at the end of each file', async () => {
    const gone = cli.origin.url('/gone')
    const { code, stderr } = await cli.sandbox.run(['fetch', '--parallel', '1', url, gone], loud)
    assert.equal(code, 3)
    const [start, end, other, failure, ...rest] = stderr.split('\n')
    assert.equal(start, `Image.gz: fetching ${url}`)
    assert.match(end!, /^Image\.gz: miss, 48\.8 KiB in \d+m?s$/)
    assert.equal(other, `gone: fetching ${gone}`)
    assert.match(failure!, /^kiss: .*404/)
    assert.deepEqual(rest, [''])
  })

  it('says the error alone of what was never asked for', async () => {
    for (const [args, line] of [
      [['localhost:9/x'], /^kiss: "localhost:9\/x" is not a URL; did you mean https:/],
      [['--limit-rate', 'fast', url], /^kiss: --limit-rate: "fast" is not a size/],
    ] as const) {
      const { code, stderr } = await cli.sandbox.run(['fetch', ...args], loud)
      assert.equal(code, 2)
      assert.match(stderr, line)
      assert.equal(stderr.split('\n').length, 2, stderr)
    }
  })

  it('says once that the certificates cannot be read, and why', async () => {
    const { code, stderr } = await cli.sandbox.run(['fetch', '-q', '--cacert', '/nowhere', `${url}?new`], loud)
    assert.equal(code, 2)
    assert.equal(stderr, 'kiss: cannot read the certificates in /nowhere: ENOENT\n')
  })

  it('-q says nothing but errors', async () => {
    const { code, stdout, stderr } = await cli.sandbox.run(['fetch', '-q', url, cli.origin.url('/gone')], loud)
    assert.deepEqual([code, stdout], [3, ''])
    assert.match(stderr, /^kiss: [^\n]*404[^\n]*\n$/)
  })

  it('says at once why the first attempt failed, and repeats it at the next interval only', async () => {
    const said: string[] = []
    const lines = progressLines((line) => said.push(line), 86_400_000, 1)
    const [row, other] = ['a', 'b'].map((name) => lines.add(name, `https://storage.example.com/${name}`))
    const failed: { reason?: string } = {}
    row!.wait(() => ({ attempts: 1, ...failed }))
    await until('both started', () => said.length === 2)
    failed.reason = 'the connection was refused'
    await until('a line about the first', () => said.length === 3)
    // Later than the next look at the first.
    other!.wait(() => ({ attempts: 0, place: 3 }))
    await until('a line about the second', () => said.length === 4)
    row!.end({ failure: 'kiss: it failed' })
    other!.end()
    assert.deepEqual(said.slice(2), [
      'a: waiting: retry 1: the connection was refused',
      'b: waiting: place 3 in the queue of storage.example.com',
      'kiss: it failed',
    ])
  })

  it('says at intervals what a download waits for', async () => {
    const said: string[] = []
    const lines = progressLines((line) => said.push(line), 5)
    const row = lines.add('Image.gz', 'https://storage.example.com/a/Image.gz')
    const says = (pattern: RegExp): Promise<void> => until(String(pattern), () => pattern.test(said.at(-1) ?? ''))
    await says(/^Image\.gz: waiting: the origin has not answered yet$/)
    row.wait(() => ({ place: 3, attempts: 0 }))
    await says(/^Image\.gz: waiting: place 3 in the queue of storage\.example\.com$/)
    row.wait(() => ({ attempts: 2, reason: 'the connection was refused', retryAt: Date.now() + 3500 }))
    await says(/^Image\.gz: waiting: retry 2 in [1-4] s: the connection was refused$/)
    row.follow({
      progress: () => ({ received: 2048, length: 4096, wait: { attempts: 1, reason: 'the connection broke' } }),
    })
    await says(/^Image\.gz: 2 KiB, waiting: retry 1: the connection broke$/)
    row.end({ summary: 'miss, 4 KiB in 9s' })
    assert.equal(said.at(-1), 'Image.gz: miss, 4 KiB in 9s')
  })
})
