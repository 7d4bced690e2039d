/** Processes that tests start, and what Linux tells of processes. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * What a process gets of the caller's environment. With NODE_EXTRA_CA_CERTS, each start of Node parses a file of authorities,
 * which costs more CPU time than the rest of that start.
 */
export const environment: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'NODE_V8_COVERAGE'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  }),
)

/** Pids; none where the process has died. */
export function childrenOf(pid: number | undefined): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return children.trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** Open descriptors of a process. */
export function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}

/** Has the process this end of a TCP connection (IPv4)? Another connection may have the same local port. */
export function hasConnection(
  pid: number,
  { local, remote }: { readonly local: number; readonly remote: number },
): boolean {
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, from, to]) => from?.endsWith(hex(local)) === true && to?.endsWith(hex(remote)) === true)
    .map((fields) => `socket:[${fields[9]}]`)
  const held = (fd: string): string => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  }
  return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.includes(held(fd)))
}
