/** Announces the address of a server and its state. */

import { spawn } from 'node:child_process'
import type { OpenLog } from '../../server/log.js'

export function tellSystemd(state: ServiceState, status: string, log: OpenLog): void {
  void notifySystemd(state, status, { env: process.env, warn: (line) => log.warn(line) })
}

/** Scripts for log rotation send SIGUSR2, which ends a process by default. @returns a function that stops it */
export function keepAtRotation(log: OpenLog): () => void {
  const onSignal = (): void =>
    log.info('SIGUSR2: the log goes to standard error, which kiss appends to; rotate its file with copytruncate')
  process.on('SIGUSR2', onSignal)
  return () => process.off('SIGUSR2', onSignal)
}

export function announce(url: string, log: OpenLog, more = ''): void {
  // Scripts read the first line to learn a free port.
  process.stdout.write(`${url}\n`)
  log.info(`listening on ${url}${more}`)
  tellSystemd('READY=1', `listening on ${url}`, log)
}

/** As in sd_notify(3). */
export type ServiceState = 'READY=1' | 'STOPPING=1'

interface Notifying {
  /** The socket of systemd: NOTIFY_SOCKET. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A failure here is not reported: the timeout of systemd reports it. */
  readonly warn: (line: string) => void
  /** Milliseconds; default 5 s. */
  readonly timeout?: number
}

/** Notifies systemd by `systemd-notify`, because Node has no Unix datagram sockets. Resolves when systemd received it, or at once without systemd; never rejects. */
export async function notifySystemd(
  state: ServiceState,
  status: string,
  { env, warn, timeout = 5000 }: Notifying,
): Promise<void> {
  if (env.NOTIFY_SOCKET === undefined || env.NOTIFY_SOCKET === '') return
  const failed = (why: string): void => warn(`systemd-notify ${state}: ${why}; the unit needs Type=exec without it`)
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', [state, `STATUS=${status}`], { stdio: 'ignore', timeout })
    child.once('error', (error) => {
      failed(error.message)
      resolve()
    })
    child.once('exit', (code, signal) => {
      if (code !== 0) failed(`it ended with ${signal ?? `exit code ${code ?? 0}`}`)
      resolve()
    })
  })
}
