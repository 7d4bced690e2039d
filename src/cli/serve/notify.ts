/** Tells systemd how the service stands (Type=notify), by its own program: Node has no datagram sockets of the Unix kind. */

import { spawn } from 'node:child_process'

/** As in sd_notify(3). */
export type ServiceState = 'READY=1' | 'STOPPING=1'

export interface Notifying {
  /** Where systemd said it listens: NOTIFY_SOCKET. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A failure here is not reported: the timeout of systemd reports it. */
  readonly warn: (line: string) => void
  /** Milliseconds; default 5 s. */
  readonly timeout?: number
}

/** Resolves when systemd has heard it, at once where no systemd asked; never rejects. */
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
