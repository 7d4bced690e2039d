import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { project } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes, latch } from '../support/origin.js'
import { hasScript, Screen } from '../support/screen.js'

describe('the screen of kiss fetch', () => {
  const body = bytes('screen', 4_000_000)
  const cli = commandLine()
  before(function () {
    if (!hasScript()) this.skip()
  })

  interface Session {
    /** Resolves with the screen once a line of it matches, and none the other pattern. */
    readonly shown: (pattern: RegExp, gone?: RegExp) => Promise<string[]>
    readonly ended: Promise<{ readonly code: number | null; readonly lines: string[] }>
  }

  function session(columns: number, args: readonly string[]): Session {
    const program = [process.execPath, path.join(project, 'bin/run.js'), ...args].map((word) => `'${word}'`).join(' ')
    const child = spawn('script', ['-qefc', `stty cols ${columns} rows 24; exec ${program}`, '/dev/null'], {
      cwd: cli.sandbox.cwd,
      env: {
        PATH: process.env.PATH,
        HOME: cli.sandbox.home,
        KISS_CACHE_DIR: cli.sandbox.cacheDir,
        TERM: 'xterm',
        SHELL: '/bin/sh',
      },
    })
    const screen = new Screen(columns)
    child.stdout.setEncoding('utf8').on('data', (text: string) => screen.write(text))
    const shown = async (pattern: RegExp, gone?: RegExp): Promise<string[]> => {
      while (!screen.lines.some((line) => pattern.test(line)) || screen.lines.some((line) => gone?.test(line)))
        await new Promise((resolve) => child.stdout.once('data', resolve))
      return screen.lines
    }
    const ended = new Promise<{ code: number | null; lines: string[] }>((resolve) => {
      child.once('close', (code) => resolve({ code, lines: screen.lines }))
    })
    return { shown, ended }
  }

  for (const columns of [30, 40, 80, 200]) {
    it(`at ${columns} columns: a steady line for each download, errors whole, and a report that stays`, async () => {
      const gate = latch()
      const refused = cli.origin.url(`/${'refused'.repeat(20)}`)
      cli.origin.script('/Image.gz', [{ body, stall: { after: 2_000_000, until: gate.opened } }])
      const { shown, ended } = session(columns, ['fetch', cli.origin.url('/Image.gz'), refused])
      await shown(/^Image\.gz .* 50%/)
      // An error leaves the bars as they are: one line each, none of them wrapped.
      const screen = await shown(/^1 of 2 done/, /^…/)
      const bars = screen.filter((line) => line.startsWith('Image.gz'))
      assert.equal(bars.length, 1, screen.join('\n'))
      assert.ok(screen.every((line) => line.length <= columns))
      assert.equal(screen.join('').includes('…'), false, screen.join('\n'))
      if (columns >= 80) assert.match(bars[0]!, /\[=+ +\]/)
      // The place of the longest name, whose download has ended, is kept.
      if (columns >= 80) assert.equal(bars[0]!.indexOf('['), Math.floor((columns - 1) * 0.35) + 2)
      const said = screen.slice(0, screen.indexOf(bars[0]!)).join('').replaceAll(' ', '')
      assert.ok(said.includes(refused) && said.includes('404'), screen.join('\n'))
      gate.open()
      const { code, lines } = await ended
      assert.equal(code, 3)
      assert.match(lines.join('\n'), /^miss +3\.81 MiB .*\sImage\.gz$/m)
      assert.equal(/\[=|of 2 done/.test(lines.join('\n')), false, 'the bars are gone')
    })
  }

  it('tells when it asks again and why, and the place in the queue', async () => {
    const gate = latch()
    cli.origin.script('/busy.bin', [{ status: 503 }])
    const retrying = session(80, ['fetch', '--max-time', '20s', cli.origin.url('/busy.bin')])
    await retrying.shown(/^busy\.bin {2}retry \d in \d s: the origin answered 503/)
    const names = Array.from({ length: 9 }, (_, index) => `/queued-${index}.bin`)
    for (const name of names) cli.origin.script(name, [{ body, stall: { after: 1000, until: gate.opened } }])
    const queued = session(80, ['fetch', '--parallel', '9', ...names.map((name) => cli.origin.url(name))])
    await queued.shown(/^queued-8\.bin {2}place 1 in the queue of 127\.0\.0\.1:\d+$/)
    gate.open()
    assert.equal((await queued.ended).code, 0)
    cli.origin.serve('/busy.bin', { body })
    assert.equal((await retrying.ended).code, 0)
  })
})
