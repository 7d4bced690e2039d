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
    shell = new PasteShell()
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
