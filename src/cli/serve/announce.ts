/** Announces the address of a server and its state. */

import type { OpenLog } from '../../server/log.js'
import { notifySystemd, type ServiceState } from './notify.js'

export function tellSystemd(state: ServiceState, status: string, log: OpenLog): void {
  void notifySystemd(state, status, { env: process.env, warn: (line) => log.warn(line) })
}

export function announce(url: string, log: OpenLog, more = ''): void {
  // Scripts read the first line to learn a free port.
  process.stdout.write(`${url}\n`)
  log.info(`listening on ${url}${more}`)
  tellSystemd('READY=1', `listening on ${url}`, log)
}
