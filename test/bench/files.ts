/** Counts the files of src whose functions run in one request: a hit for the first time, the same hit again, and a miss. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { Session } from 'node:inspector/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEngine } from '#kiss/engine/open.js'
import { startServer } from '#kiss/server/server.js'
import { bytes, Origin } from '../support/origin.js'

const origin = await Origin.start()
const cacheDir = mkdtempSync(join(tmpdir(), 'kiss-files-'))
const engine = await openEngine({ cacheDir, upstream: { guard: false, env: {} }, connectEarly: true })
const ignore = (): void => undefined
const log = { log: ignore, logEqual: () => ignore, info: ignore, warn: ignore, error: ignore }
const server = await startServer({ engine, host: '127.0.0.1', port: 0, log, version: 'test' })
const session = new Session()
session.connect()
await session.post('Profiler.enable')

async function fetchOnce(name: string): Promise<void> {
  const request = get(`${server.url}api/v1/fetch?url=${encodeURIComponent(origin.url(name))}`)
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  await once(answer.resume(), 'end')
}

/** Functions that only load a module do not count: every module is loaded by then. */
async function files(name: string): Promise<string[]> {
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await fetchOnce(name)
  const { result } = await session.post('Profiler.takePreciseCoverage')
  await session.post('Profiler.stopPreciseCoverage')
  return result
    .filter(({ url }) => /\/dist\//.test(url) && !/\/(test|node_modules)\//.test(url))
    .filter(({ functions }) =>
      functions.some(({ ranges, functionName }) => functionName !== '' && ranges[0]!.count > 0),
    )
    .map(({ url }) => url.replace(/^.*\/dist\//, ''))
    .sort()
}

for (const name of ['/warm', '/other', '/large', '/new']) {
  origin.serve(name, { body: bytes(name, name === '/large' ? 500_000 : 10_000), etag: `"${name}"` })
}
for (let i = 0; i < 3; i++) for (const name of ['/warm', '/large']) await fetchOnce(name)
await fetchOnce('/other')
for (const [what, name] of [
  ['a hit of a small body, for the first time', '/other'],
  ['a hit of a small body', '/warm'],
  ['a hit of a large body', '/large'],
  ['a miss', '/new'],
] as const) {
  const passed = await files(name)
  console.log(`${what}: ${passed.length} files\n  ${passed.join(' ')}`)
}
session.disconnect()
await server.close()
await engine.close()
await origin.close()
rmSync(cacheDir, { recursive: true })
