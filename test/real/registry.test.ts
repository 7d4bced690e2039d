import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { project, Sandbox } from '../support/cli.js'

const run = promisify(execFile)

/** Packages of which a version is fixed, from 10 kB to 70 MB. */
const packages = [
  'debug@4.3.7',
  'chalk@5.3.0',
  'commander@12.1.0',
  'express@4.21.2',
  'yaml@2.6.0',
  'lodash@4.17.21',
  'rxjs@7.8.1',
  'esbuild-wasm@0.21.5',
  'typescript@5.6.3',
  'aws-sdk@2.1692.0',
  'date-fns@3.6.0',
  'onnxruntime-node@1.20.1',
]

interface Dist {
  readonly tarball: string
  /** Subresource Integrity: `sha512-` and base64. */
  readonly integrity: string
}

/** Where npm is set up to get packages from says so itself; undefined where that cannot be reached. */
async function distOf(name: string): Promise<Dist | undefined> {
  try {
    const { stdout } = await run('npm', ['view', name, 'dist', '--json', '--fetch-retries=0'], {
      cwd: project,
      timeout: 20_000,
    })
    return JSON.parse(stdout) as Dist
  } catch {
    // No registry, no npm, no such package: the suite says that it is skipped.
    return undefined
  }
}

/** What npm is told of certificates and proxies holds for kiss as well. */
async function networkSettings(): Promise<Record<string, string>> {
  const { stdout } = await run('npm', ['config', 'list', '--json', '--long'], { cwd: project })
  const config = JSON.parse(stdout) as Record<string, unknown>
  const text = (name: string): string => (typeof config[name] === 'string' ? config[name] : '')
  return Object.fromEntries(
    Object.entries({
      KISS_CA_FILE: existsSync(text('cafile')) ? text('cafile') : '',
      NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS ?? '',
      HTTPS_PROXY: text('https-proxy'),
      NO_PROXY: text('noproxy'),
    }).filter(([, value]) => value !== ''),
  )
}

async function sha512(file: string): Promise<string> {
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  return `sha512-${hash.digest('base64')}`
}

interface Report {
  readonly results: { readonly status: string; readonly size: number; readonly output: string }[]
}

describe('tarballs of the npm registry', function () {
  this.timeout(300_000)
  const dists: Dist[] = []
  let sandbox: Sandbox | undefined
  let env: Record<string, string>

  before(async function () {
    const first = await distOf(packages[0] ?? '')
    if (!first) {
      console.log('    skipped: npm knows no registry that answers')
      return this.skip()
    }
    const rest = await Promise.all(packages.slice(1).map(distOf))
    dists.push(first, ...rest.filter((dist) => dist !== undefined))
    env = await networkSettings()
    sandbox = new Sandbox()
  })
  after(() => sandbox?.remove())

  function box(): Sandbox {
    assert.ok(sandbox)
    return sandbox
  }

  it('come whole over real HTTPS, and the second time without any traffic', async () => {
    const urls = dists.map((dist) => dist.tarball)
    const fetchThem = async (directory: string, more: readonly string[]): Promise<Report> => {
      const ran = await box().run(['fetch', '--json', '-d', directory, ...more, ...urls], { env })
      assert.equal(ran.code, 0, ran.stdout)
      return JSON.parse(ran.stdout) as Report
    }
    const first = await fetchThem('first', [])
    // Offline never contacts an origin, and a dead proxy would show it if it did.
    const second = await fetchThem('second', ['--offline'])
    assert.ok(first.results.every((result) => result.status === 'miss'))
    assert.ok(second.results.every((result) => result.status === 'hit'))
    for (const [index, { integrity }] of dists.entries()) {
      for (const { results } of [first, second])
        assert.equal(await sha512(results[index]?.output ?? ''), integrity, path.basename(urls[index] ?? ''))
    }
    const sizes = first.results.map((result) => result.size)
    console.log(`      ${urls.length} tarballs of ${Math.min(...sizes)} to ${Math.max(...sizes)} bytes`)
  })

  it('are served as hits by kiss fetch without --offline as well', async () => {
    const url = dists[0]?.tarball ?? ''
    const ran = await box().run(['fetch', '--json', url], { env: { ...env, HTTPS_PROXY: 'http://127.0.0.1:1' } })
    assert.equal((JSON.parse(ran.stdout) as Report).results[0]?.status, 'hit')
  })
})
