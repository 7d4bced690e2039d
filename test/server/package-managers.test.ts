import assert from 'node:assert/strict'
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { sha256 } from '../support/origin.js'
import { engineServers } from './support/engine-servers.js'

const run = promisify(execFile)

function isThere(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0
}

/** Bytes of the files that the origin has sent; apt also asks for some that are not there. */
const sentBy = (origin: { log(): readonly { sent: number; status: number }[] }): number =>
  origin.log().reduce((sum, { sent, status }) => sum + (status === 200 ? sent : 0), 0)

describe('package managers behind a rule with freshness: origin', function () {
  this.timeout(120_000)
  const here = engineServers()
  let folder: string
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'kiss-packages-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const start = async (): Promise<(path: string) => string> => {
    const rules = [{ match: [here.origin.url('/**')], freshness: 'origin' as const, place: 'kiss.yaml:1' }]
    const { server } = await here.start({}, { rules })
    return (to) => `${server.url}api/v1/fetch?url=${here.origin.url(to)}`
  }

  /** Each revision of a file has a time and a tag of its own. */
  const publish = (files: Readonly<Record<string, string>>, revision: number): void => {
    const lastModified = new Date(Date.UTC(2026, 0, revision)).toUTCString()
    for (const [name, text] of Object.entries(files)) {
      const body = Buffer.from(text)
      const type = name.endsWith('/') ? 'text/html' : 'text/plain'
      here.origin.serve(name, { body, type, lastModified, etag: `"${sha256(body).slice(0, 8)}"` })
    }
  }

  describe('apt', () => {
    let arch: string
    before(function () {
      if (isThere('apt-get')) {
        arch = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
        return
      }
      console.log('      skipped: there is no apt-get here')
      this.skip()
    })

    const publishPackages = (names: readonly string[], revision: number): void => {
      const packages = names
        .map(
          (name) =>
            `Package: ${name}\nVersion: 1\nArchitecture: all\nFilename: pool/${name}.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`,
        )
        .join('\n')
      const index = `main/binary-${arch}/Packages`
      const sum = `${sha256(Buffer.from(packages))} ${packages.length} ${index}`
      const date = new Date(Date.UTC(2026, 0, revision)).toUTCString()
      const release = `Codename: stable\nDate: ${date}\nArchitectures: ${arch}\nComponents: main\nSHA256:\n ${sum}\n`
      publish({ '/debian/dists/stable/Release': release, [`/debian/dists/stable/${index}`]: packages }, revision)
    }

    /** A machine of its own: names the packages that an update gives it. */
    const machine = (name: string, source: string) => {
      const root = path.join(folder, name)
      for (const below of [
        'etc/sources.list.d',
        'etc/preferences.d',
        'etc/apt.conf.d',
        'etc/trusted.gpg.d',
        'state/lists/partial',
        'cache/archives/partial',
      ])
        mkdirSync(path.join(root, below), { recursive: true })
      writeFileSync(path.join(root, 'etc/sources.list'), `deb [trusted=yes] ${source} stable main\n`)
      writeFileSync(path.join(root, 'status'), '')
      const settings = {
        Dir: root,
        'Dir::Etc': `${root}/etc`,
        'Dir::State': `${root}/state`,
        'Dir::State::status': `${root}/status`,
        'Dir::Cache': `${root}/cache`,
        'APT::Sandbox::User': 'root',
        'Acquire::Languages': 'none',
        'Acquire::http::Proxy': 'DIRECT',
      }
      const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
      return async (): Promise<string[]> => {
        await run('apt-get', [...options, 'update'])
        const { stdout } = await run('apt-cache', [...options, 'pkgnames'])
        return stdout
          .split('\n')
          .filter((line) => line !== '')
          .sort()
      }
    }

    it('sees a new package when the origin publishes it, and a second machine costs no body', async () => {
      const ask = await start()
      publishPackages(['one'], 1)
      const [first, second] = [machine('first', ask('/debian')), machine('second', ask('/debian'))]
      assert.deepEqual(await first(), ['one'])
      const before = sentBy(here.origin)
      assert.ok(before > 0)
      assert.deepEqual(await second(), ['one'])
      assert.equal(sentBy(here.origin), before)
      publishPackages(['one', 'two'], 2)
      assert.deepEqual(await first(), ['one', 'two'])
      const after = sentBy(here.origin)
      assert.deepEqual(await second(), ['one', 'two'])
      assert.equal(sentBy(here.origin), after)
    })
  })

  describe('pip', () => {
    before(function () {
      if (isThere('pip')) return
      console.log('      skipped: there is no pip here')
      this.skip()
    })

    const publishVersions = (versions: readonly string[], revision: number): void => {
      const links = versions.map(
        (version) => `<a href="/files/demo-${version}-py3-none-any.whl">demo-${version}-py3-none-any.whl</a>`,
      )
      publish({ '/simple/demo/': `<!DOCTYPE html><html><body>${links.join('\n')}</body></html>` }, revision)
    }

    /** The versions that pip finds, the newest first; nothing is remembered between two runs. */
    const versions = async (index: string): Promise<string> => {
      const own = Object.entries(process.env).filter(([name]) => !/^pip_|_proxy$/i.test(name))
      const env = {
        ...Object.fromEntries(own),
        PIP_CONFIG_FILE: '/dev/null',
        PIP_NO_CACHE_DIR: '1',
        PIP_DISABLE_PIP_VERSION_CHECK: '1',
      }
      const { stdout } = await run('pip', ['index', 'versions', 'demo', '--index-url', index], { env })
      return /Available versions: (.*)/.exec(stdout)?.[1] ?? stdout
    }

    it('sees a new version when the origin publishes it, and a second client costs no body', async () => {
      const ask = await start()
      publishVersions(['1.0'], 1)
      assert.equal(await versions(ask('/simple')), '1.0')
      const before = sentBy(here.origin)
      assert.ok(before > 0)
      assert.equal(await versions(ask('/simple')), '1.0')
      assert.equal(sentBy(here.origin), before)
      publishVersions(['1.0', '2.0'], 2)
      assert.equal(await versions(ask('/simple')), '2.0, 1.0')
    })
  })
})
