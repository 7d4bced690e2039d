/** The identity of a process, by which another process can prove later that it is dead. */

import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** The identity that an owner of a lease writes to the disk. */
export interface ProcessIdentity {
  /** Differs after a reboot, which may have lost unsynced files. On systems without a boot id: the name of the host. */
  readonly boot: string
  readonly pid: number
  /** Clock ticks since boot (proc(5), stat field 22), so that a reused pid is not taken for its predecessor; 0 if unknown. */
  readonly started: number
  /** A pid means nothing in another pid namespace (containers that share a cache directory). */
  readonly namespace: string
}

/** `unknown`: this process cannot tell, as in another pid namespace; only the silence of the owner counts against it. */
export type Liveness = 'alive' | 'dead' | 'unknown'

let self: Promise<ProcessIdentity> | undefined

export function thisProcess(): Promise<ProcessIdentity> {
  self ??= identify()
  return self
}

async function identify(): Promise<ProcessIdentity> {
  const [boot, stat, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => hostname()),
    processStat(process.pid),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  return { boot: boot.trim(), pid: process.pid, started: stat?.started ?? 0, namespace }
}

export async function livenessOf(owner: ProcessIdentity): Promise<Liveness> {
  const here = await thisProcess()
  if (owner.boot !== here.boot) return 'dead'
  if (owner.namespace !== here.namespace) return 'unknown'
  if (owner.pid === here.pid && owner.started === here.started) return 'alive'
  const stat = await processStat(owner.pid)
  if (stat === undefined) return signalable(owner.pid) ? 'unknown' : 'dead'
  return stat.started === owner.started && !stat.ended ? 'alive' : 'dead'
}

/**
 * undefined if there is no such process. Also if it cannot be read: there is no procfs, procfs hides the processes of other
 * users (hidepid), or this process has too many files open. `ended`: a zombie that its parent has not yet reaped.
 */
async function processStat(pid: number): Promise<{ started: number; ended: boolean } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (text === undefined) return undefined
  // The command name, in parentheses, may hold blanks and parentheses: count fields from the last one (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { started: Number(fields[19]), ended: fields[0] === 'Z' || fields[0] === 'X' }
}

function signalable(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
