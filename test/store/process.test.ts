import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { livenessOf, type Liveness, type ProcessIdentity, thisProcess } from '#kiss/store/process.js'

const USER = 54_321
const OTHER_USER = 54_322
/** Opens files until there is no descriptor left, if its first argument says so, and tells whether the owner is alive. */
const look = `
  import { openSync } from 'node:fs'
  const { livenessOf, thisProcess } = await import(process.argv[1])
  await thisProcess()
  if (process.argv[3] === 'full') try { for (;;) openSync('/dev/null') } catch {}
  process.stdout.write(await livenessOf(JSON.parse(process.argv[2])))`

describe('another process', () => {
  const program = import.meta.resolve('#kiss/store/process.js')
  let running: ChildProcess | undefined
  afterEach(async () => {
    running?.kill('SIGKILL')
    if (running?.exitCode === null && running.signalCode === null) await once(running, 'exit')
    running = undefined
  })

  async function started(options: { readonly uid?: number } = {}): Promise<ProcessIdentity> {
    running = spawn('sleep', ['60'], { stdio: 'ignore', ...options })
    await once(running, 'spawn')
    const { pid } = running
    const stat = execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'latin1' })
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { ...(await thisProcess()), pid: pid!, started: Number(fields[19]) }
  }
  /** What the process says that the shell starts by `"$@"`. */
  const seen = (shell: string, owner: ProcessIdentity, how = ''): Liveness => {
    const command = [process.execPath, '--input-type=module', '-e', look, program, JSON.stringify(owner), how]
    return execFileSync('sh', ['-c', shell, 'sh', ...command], { encoding: 'utf8' }) as Liveness
  }

  it('is alive until it ends', async () => {
    const owner = await started()
    assert.equal(await livenessOf(owner), 'alive')
    assert.equal(await livenessOf({ ...owner, started: owner.started + 1 }), 'dead')
    running?.kill('SIGKILL')
    await once(running!, 'exit')
    assert.equal(await livenessOf(owner), 'dead')
  })

  it('is not taken for dead by a process that has too many files open', async () => {
    const owner = await started()
    assert.equal(seen('ulimit -n 64; exec "$@"', owner, 'full'), 'unknown')
    assert.equal(seen('ulimit -n 64; exec "$@"', { ...owner, pid: 2 ** 22 + 1 }, 'full'), 'dead')
  })

  it('is not taken for dead where the system hides the processes of other users', async function () {
    const other = `setpriv --reuid ${OTHER_USER} --regid ${OTHER_USER} --clear-groups`
    const hiding = `unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec ${other} "$@"' sh`
    try {
      execFileSync('sh', ['-c', `${hiding} true`], { stdio: 'ignore' })
    } catch {
      console.log('      skipped: this process may not mount procfs, or become another user')
      return this.skip()
    }
    const owner = await started({ uid: USER })
    assert.equal(seen(`exec ${hiding} "$@"`, owner), 'unknown')
    assert.equal(seen(`exec ${hiding} "$@"`, { ...owner, pid: 2 ** 22 + 1 }), 'dead')
  })
})
