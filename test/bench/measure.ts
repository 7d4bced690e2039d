/** Figures of processes, and their middle. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** A process and all its descendants. */
export function family(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? fieldsOf(Number(name)) : undefined
    if (stat !== undefined) parents.set(Number(name), Number(stat[1]))
  }
  const found = [root]
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child)
  return found
}

/** CPU seconds that a process has used; 0 when it is gone. */
export function cpuSeconds(pid: number): number {
  const stat = fieldsOf(pid) ?? []
  return (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) / 100
}

/** The peak of a process begins anew with the memory that it has now (proc(5), `clear_refs`). */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // The peak of another user's process, or of one that is gone, stays.
  }
}

/** Peak resident memory of a process, MiB; 0 when it is gone. */
export function peakMemory(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) / 1024
}

export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN
}

/** proc(5): what follows the name of the program in `/proc/PID/stat`. */
function fieldsOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
