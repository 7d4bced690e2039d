import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { project } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes, latch, type Latch } from '../support/origin.js'
import { hasScript } from '../support/screen.js'

describe('kiss on a terminal', () => {
  const body = bytes('terminal', 4_000_000)
  const cli = commandLine()
  before(function () {
    if (!hasScript()) this.skip()
  })

  interface Session {
    /** Resolves once the screen has shown what matches. */
    readonly shown: (pattern: RegExp) => Promise<void>
    readonly type: (text: string) => void
    readonly ended: Promise<{ readonly code: number | null; readonly screen: string }>
  }

  function session(args: readonly string[]): Session {
    const command = ['exec', process.execPath, path.join(project, 'bin/run.js'), ...args]
      .map((word) => `'${word}'`)
      .join(' ')
    const child = spawn('script', ['-qefc', command.replace("'exec'", 'exec'), '/dev/null'], {
      cwd: cli.sandbox.cwd,
      env: {
        PATH: process.env.PATH,
        HOME: cli.sandbox.home,
        KISS_CACHE_DIR: cli.sandbox.cacheDir,
        TERM: 'xterm',
        SHELL: '/bin/sh',
      },
    })
    let screen = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text))
    const shown = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(screen)) await new Promise((resolve) => child.stdout.once('data', resolve))
    }
    const ended = new Promise<{ code: number | null; screen: string }>((resolve) => {
      child.once('close', (code) => resolve({ code, screen }))
    })
    return { shown, type: (text) => child.stdin.write(text), ended }
  }

  function slow(name: string, gate: Latch, framing: 'length' | 'chunked'): string {
    cli.origin.script(name, [{ body, framing, stall: { after: 1_000_000, until: gate.opened } }])
    return cli.origin.url(name)
  }

  it('shows a line for each download and a total, in a form of its own where the size is unknown', async () => {
    const gate = latch()
    const urls = [slow('/known.bin', gate, 'length'), slow('/unknown.bin', gate, 'chunked')]
    const { shown, ended } = session(['fetch', ...urls])
    await shown(/known\.bin.* 25% {2}977 KiB of 3\.81 MiB/)
    await shown(/unknown\.bin.* 977 KiB, size unknown/)
    await shown(/0 of 2 done {2}1\.91 MiB/)
    gate.open()
    const { code, screen } = await ended
    assert.equal(code, 0)
    assert.match(screen, /miss +3\.81 MiB +\S+ +known\.bin\r\n/)
    assert.ok(screen.lastIndexOf('\u001b[?25h') > screen.lastIndexOf('\u001b[?25l'), 'the cursor is back')
  })

  it('has no bars with --no-progress', async () => {
    cli.origin.serve('/a', { body })
    const { code, screen } = await session(['fetch', '--no-progress', cli.origin.url('/a')]).ended
    assert.equal(code, 0)
    assert.match(screen, /^miss [^\u001b]*\r\n$/)
  })

  it('asks before it purges, and takes no for an answer', async () => {
    cli.origin.serve('/a', { body })
    await cli.sandbox.run(['fetch', cli.origin.url('/a')])
    const no = session(['purge', '--all'])
    await no.shown(/Remove 1 entry, 3\.81 MiB\? \[y\/N\] /)
    no.type('n\n')
    const refused = await no.ended
    assert.equal(refused.code, 0)
    assert.match(refused.screen, /nothing was removed/)
    const yes = session(['purge', '--all'])
    await yes.shown(/\[y\/N\] /)
    yes.type('y\n')
    assert.match((await yes.ended).screen, /removed 1 entry, 3\.81 MiB/)
  })

  it('is interrupted at the question', async () => {
    cli.origin.serve('/a', { body })
    await cli.sandbox.run(['fetch', cli.origin.url('/a')])
    const asked = session(['purge', '--all'])
    await asked.shown(/\[y\/N\] /)
    asked.type('\u0003')
    assert.equal((await asked.ended).code, 130)
  })

  it('fits lists to its width', async () => {
    cli.origin.serve(`/${'long'.repeat(60)}`, { body })
    await cli.sandbox.run(['fetch', '-o', 'x', cli.origin.url(`/${'long'.repeat(60)}`)])
    const { screen } = await session(['list']).ended
    for (const line of screen.split('\r\n')) assert.ok(line.length <= 80, line)
    assert.match(screen, /…/)
  })
})
