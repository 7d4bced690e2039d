import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'
import { PasteShell } from '../support/paste.js'

const folder = path.join(project, 'docs')
const pages = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(path.join(folder, name), 'utf8') }))

/** Blocks of a shell, wherever they are indented; `tested` are those whose fence says so: ```sh test */
function blocks(text: string): { readonly script: string; readonly tested: boolean }[] {
  return [...text.matchAll(/^( *)```sh( test)?\n(.*?)^ *```$/gms)].map(([, indent = '', test, script = '']) => ({
    script: script.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    tested: test !== undefined,
  }))
}

describe('the pages in docs/', () => {
  /** One for all pages. */
  let server: PasteShell
  let serverUrl: string
  let origin: Origin
  before(async () => {
    server = await PasteShell.open()
    serverUrl = await server.serve()
    origin = await Origin.start()
    for (const name of ['Image.gz', 'rootfs.img']) origin.serve(`/builds/${name}`, { body: bytes(name, 10_000) })
  })
  after(async () => {
    await server.remove()
    await origin.close()
  })

  for (const { name, text } of pages) {
    const scripts = blocks(text).filter(({ tested }) => tested)
    if (scripts.length > 0) {
      it(`${name}: its commands work one after the other`, async () => {
        const shell = await PasteShell.open()
        const etc = path.join(shell.sandbox.root, 'etc-kiss')
        mkdirSync(etc)
        const authority = path.join(shell.sandbox.root, 'lab-ca.pem')
        writeFileSync(authority, readFileSync(path.join(project, 'test/data/tls/first-cert.pem')))
        const names = {
          'http://kiss:8001': serverUrl,
          'https://artifacts.example.com': origin.url(''),
          '/etc/kiss': etc,
          '/etc/ssl/certs/lab-ca.pem': authority,
        }
        try {
          for (const { script } of scripts) {
            const { code, stdout, stderr } = await shell.paste(script, names)
            assert.equal(code, 0, `${script}\n${stdout}${stderr}`)
          }
        } finally {
          await shell.remove()
        }
      })
    }

    if (blocks(text).some(({ tested }) => !tested)) {
      it(`${name}: says how its other commands were tried`, () => assert.match(text, /^## Tried$/m))
    }

    it(`${name}: its links lead somewhere`, () => {
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)) {
        assert.ok(realpathSync(path.join(folder, target)), target)
      }
    })

    it(`${name}: the tests that it names are there`, () => {
      for (const [file] of text.matchAll(/test\/[\w/.-]+\.test\.ts/g)) {
        assert.ok(realpathSync(path.join(project, file)), file)
      }
    })
  }
})
