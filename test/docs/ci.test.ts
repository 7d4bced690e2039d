/** The recipes of docs/ci.md that are no blocks of a shell, run by the programs that they are for. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { project } from '../support/cli.js'
import { bytes, Origin, sha256 } from '../support/origin.js'
import { PasteShell } from '../support/paste.js'

const page = readFileSync(path.join(project, 'docs/ci.md'), 'utf8')

/** The block of a language below a heading. */
function recipe(heading: string, language: string): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const [, block] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(section) ?? []
  assert.ok(block, `the page has ${language} below ${heading}`)
  return block
}

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

describe('the recipes of docs/ci.md', () => {
  let shell: PasteShell
  let origin: Origin
  let server: string
  let names: Record<string, string>
  beforeEach(async () => {
    shell = await PasteShell.open()
    origin = await Origin.start()
    server = await shell.serve(['--cache-dir', path.join(shell.sandbox.root, 'served')])
    names = {
      'http://kiss:8001': server,
      'https://artifacts.example.com': origin.url(''),
      'https%3A%2F%2Fartifacts.example.com': encodeURIComponent(origin.url('')),
    }
  })
  afterEach(async () => {
    await shell.remove()
    await origin.close()
  })

  const filled = (text: string): string =>
    Object.entries(names).reduce((result, [name, other]) => result.replaceAll(name, other), text)
  const work = (file: string): string => path.join(shell.sandbox.cwd, file)
  /** Which client asked the origin, in order. */
  const clients = (): (string | undefined)[] =>
    origin.requests.map(({ headers }) => headers['user-agent']?.replace(/[/ ].*$/, ''))

  it('for GitLab CI fetches the archive of a job with the token of the job', async () => {
    const body = bytes('build', 10_000)
    const target = '/projects/42/jobs/artifacts/main/download'
    origin.serve(target, { body, requires: { 'job-token': 'of-the-job' } })
    const { test } = parse(recipe('GitLab CI', 'yaml')) as {
      test: { variables: Record<string, string>; script: string[] }
    }
    const variables = {
      ...test.variables,
      CI_API_V4_URL: origin.url(''),
      CI_PROJECT_ID: '42',
      CI_JOB_TOKEN: 'of-the-job',
    }
    for (const [name, value] of Object.entries(variables)) shell.env[name] = filled(value)
    const { code, stderr } = await shell.paste(test.script.join('\n'), names)
    assert.equal(code, 0, stderr)
    assert.ok(readFileSync(work('build.zip')).equals(body))
    assert.deepEqual(clients(), ['kiss'])
  })

  it('for Jenkins fetches a list of URLs', async () => {
    origin.serve('/builds/Image.gz', { body: bytes('Image', 10_000) })
    const stage = recipe('Jenkins', 'groovy')
    const [, script] = /sh '(.*?)'/.exec(stage) ?? []
    const [, address] = /KISS_SERVER = '(.*?)'/.exec(stage) ?? []
    assert.ok(script !== undefined && address !== undefined)
    shell.env['KISS_SERVER'] = filled(address)
    writeFileSync(work('urls.txt'), `${origin.url('/builds/Image.gz')}\n`)
    const { code, stderr } = await shell.paste(script)
    assert.equal(code, 0, stderr)
    assert.ok(readFileSync(work('build/Image.gz')).equals(bytes('Image', 10_000)))
  })

  it('for Make build a target from a URL', async function () {
    if (!has('make')) this.skip()
    origin.serve('/builds/Image.gz', { body: bytes('Image', 10_000) })
    writeFileSync(work('Makefile'), filled(recipe('Make', 'make')))
    const { code, stderr } = await shell.paste('make build/Image.gz')
    assert.equal(code, 0, stderr)
    assert.ok(readFileSync(work('build/Image.gz')).equals(bytes('Image', 10_000)))
    assert.deepEqual(clients(), ['kiss'])
  })

  it('for tuxrun names the artifact in the cache', async () => {
    origin.serve('/builds/Image.gz', { body: bytes('Image', 10_000) })
    const [, url = ''] = /tuxrun .*--kernel "(.*?)"/.exec(page) ?? []
    assert.equal(await (await fetch(filled(url))).text(), bytes('Image', 10_000).toString())
    assert.equal(new URL(url).pathname.split('/').at(-1), 'Image.gz')
  })

  it('for Bazel rewrites a URL to kiss, and to the origin after it', async () => {
    origin.serve('/builds/deps.tar.gz', { body: bytes('deps', 10_000) })
    const rules = recipe('Bazel', 'text').trim().split('\n')
    const asked = 'artifacts.example.com/builds/deps.tar.gz'
    // A pattern matches the whole URL without its scheme; a replacement without one gets that of the URL.
    const rewritten = rules.map((rule) => {
      const [, pattern = '', replacement = ''] = /^rewrite (\S+) (\S+)$/.exec(rule) ?? []
      const url = asked.replace(new RegExp(`^(?:${pattern})$`), replacement)
      return /^https?:\/\//.test(url) ? url : `https://${url}`
    })
    assert.deepEqual(rewritten, [
      'http://kiss:8001/api/v1/fetch/deps.tar.gz?url=https://artifacts.example.com/builds/deps.tar.gz',
      `https://${asked}`,
    ])
    for (const url of rewritten) assert.equal(await (await fetch(filled(url))).text(), bytes('deps', 10_000).toString())
    assert.deepEqual(clients(), ['kiss', 'node'])
  })

  it('for CMake ask kiss first, and the origin where kiss is away', async function () {
    if (!has('cmake') || !has('make')) this.skip()
    mkdirSync(work('image'))
    writeFileSync(work('image/rootfs'), bytes('rootfs', 10_000).subarray(0, 10_000))
    assert.equal((await shell.paste('tar -czf rootfs.tar.gz image')).code, 0)
    const archive = readFileSync(work('rootfs.tar.gz'))
    origin.serve('/builds/rootfs.tar.gz', { body: archive })
    // Nobody listens on port 1: the second URL of the list is the origin's.
    for (const [folder, address] of [
      ['through', server],
      ['beside', 'http://127.0.0.1:1'],
    ] as const) {
      names['http://kiss:8001'] = address
      const declared = filled(recipe('CMake', 'cmake')).replace('SHA256=…', `SHA256=${sha256(archive)}`)
      const lists = `cmake_minimum_required(VERSION 3.16)\nproject(lab NONE)\ninclude(FetchContent)\n${declared}FetchContent_MakeAvailable(image)\n`
      mkdirSync(work(folder))
      writeFileSync(work(`${folder}/CMakeLists.txt`), lists)
      const { code, stdout, stderr } = await shell.paste(`cmake -S ${folder} -B ${folder}/build`)
      assert.equal(code, 0, stdout + stderr)
      assert.equal(readFileSync(work(`${folder}/build/_deps/image-src/rootfs`)).length, 10_000)
    }
    assert.deepEqual(clients(), ['kiss', 'curl'])
  })
})
