import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { project, Sandbox } from '../support/cli.js'

const run = promisify(execFile)

/** Packages of which a version is fixed, from 10 kB to 70 MB, and the Subresource Integrity of each. */
const packages = {
  'debug@4.3.7': 'sha512-Er2nc/H7RrMXZBFCEim6TCmMk02Z8vLC2Rbi1KEBggpo0fS6l0S1nnapwmIi3yW/+GOJap1Krg4w0Hg80oCqgQ==',
  'chalk@5.3.0': 'sha512-dLitG79d+GV1Nb/VYcCDFivJeK1hiukt9QjRNVOsUtTy1rR1YJsmpGGTZ3qJos+uw7WmWF4wUwBd9jxjocFC2w==',
  'commander@12.1.0': 'sha512-Vw8qHK3bZM9y/P10u3Vib8o/DdkvA2OtPtZvD871QKjy74Wj1WSKFILMPRPSdUSx5RFK1arlJzEtA4PkFgnbuA==',
  'express@4.21.2': 'sha512-28HqgMZAmih1Czt9ny7qr6ek2qddF4FclbMzwhCREB6OFfH+rXAnuNCwo1/wFvrtbgsQDb4kSbX9de9lFbrXnA==',
  'yaml@2.6.0': 'sha512-a6ae//JvKDEra2kdi1qzCyrJW/WZCgFi8ydDV+eXExl95t+5R+ijnqHJbz9tmMh8FUjx3iv2fCQ4dclAQlO2UQ==',
  'lodash@4.17.21': 'sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==',
  'rxjs@7.8.1': 'sha512-AA3TVj+0A2iuIoQkWEK/tqFjBq2j+6PO6Y0zJcvzLAFhEFIO3HL0vls9hWLncZbAAbK0mar7oZ4V079I/qPMxg==',
  'esbuild-wasm@0.21.5':
    'sha512-L/FlOPMMFtw+6qPAbuPvJXdrOYOp9yx/PEwSrIZW0qghY4vgV003evdYDwqQ/9ENMQI0B6RMod9xT4FHtto6OQ==',
  'typescript@5.6.3': 'sha512-hjcS1mhfuyi4WW8IWtjP7brDrG2cuDZukyrYrSauoXGNgx0S7zceP07adYkJycEr56BOUTNPzbInooiN3fn1qw==',
  'aws-sdk@2.1692.0': 'sha512-x511uiJ/57FIsbgUe5csJ13k3uzu25uWQE+XqfBis/sB0SFoiElJWXRkgEAUh0U6n40eT3ay5Ue4oPkRMu1LYw==',
  'date-fns@3.6.0': 'sha512-fRHTG8g/Gif+kSh50gaGEdToemgfj74aRX3swtiouboip5JDLAyDE9F11nHMIcvOaXeOC6D7SpNhi7uFyB7Uww==',
  'onnxruntime-node@1.20.1':
    'sha512-di/I4HDXRw+FLgq+TyHmQEDd3cEp9iFFZm0r4uJ1Wd7b/WE1VXtKWo8yemex347c6GNF/3Pv86ZfPhIWxORr0w==',
}

/** In the layout that all registries share. */
function tarballOf(name: string, registry: string): string {
  const [base = '', version = ''] = name.split('@')
  return `${registry}${base}/-/${base}-${version}.tgz`
}

/**
 * The registry that npm is set up for, with a final `/`; undefined where it cannot be reached. npm is asked about one package:
 * each question starts a process.
 */
async function reachedRegistry(): Promise<string | undefined> {
  const [first = ''] = Object.keys(packages)
  try {
    const { stdout } = await run('npm', ['view', first, 'dist.tarball', '--json', '--fetch-retries=0'], {
      cwd: project,
      timeout: 20_000,
    })
    const tarball = JSON.parse(stdout) as string
    const end = tarballOf(first, '')
    return tarball.endsWith(`/${end}`) ? tarball.slice(0, -end.length) : undefined
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
  const urls: string[] = []
  let sandbox: Sandbox | undefined
  let env: Record<string, string>

  before(async function () {
    const registry = await reachedRegistry()
    if (registry === undefined) {
      console.log('    skipped: npm knows no registry that answers')
      return this.skip()
    }
    urls.push(...Object.keys(packages).map((name) => tarballOf(name, registry)))
    env = await networkSettings()
    sandbox = new Sandbox()
  })
  after(() => sandbox?.remove())

  function box(): Sandbox {
    assert.ok(sandbox)
    return sandbox
  }

  it('come whole over real HTTPS, and the second time without any traffic', async () => {
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
    for (const [index, integrity] of Object.values(packages).entries()) {
      for (const { results } of [first, second])
        assert.equal(await sha512(results[index]?.output ?? ''), integrity, path.basename(urls[index] ?? ''))
    }
    const sizes = first.results.map((result) => result.size)
    console.log(`      ${urls.length} tarballs of ${Math.min(...sizes)} to ${Math.max(...sizes)} bytes`)
  })

  it('are served as hits by kiss fetch without --offline as well', async () => {
    const url = urls[0] ?? ''
    const ran = await box().run(['fetch', '--json', url], { env: { ...env, HTTPS_PROXY: 'http://127.0.0.1:1' } })
    assert.equal((JSON.parse(ran.stdout) as Report).results[0]?.status, 'hit')
  })
})
