/** `kiss serve`: the engine and the server together, from their settings until a signal has drained them. */

import cluster from 'node:cluster'
import { once } from 'node:events'
import type { RunningServer } from '../../server/server.js'
import type { LogLevel, OpenLog } from '../../server/log.js'
import type { BaseCommand } from '../base-command.js'
import { openEngine } from '../open-engine.js'
import type { SettingValues } from '../settings/table.js'
import { announce, tellSystemd } from './announce.js'
import { accessOptions, tlsFiles } from './server-settings.js'
import { newVia } from './via.js'
import { workerLink, type WorkerLink } from './worker-link.js'

/** With TLS, SIGHUP reads the certificate again; a file that is broken just then changes nothing. */
function onHangup(server: RunningServer, log: OpenLog, tls: boolean, link: WorkerLink | undefined): () => void {
  const reload = (): void => {
    if (!tls) return
    try {
      server.reloadTls()
      log.info('certificate read again')
    } catch (error) {
      log.error('the certificate cannot be read; the old one stays', error)
    }
  }
  if (link !== undefined) {
    // The primary passes it on; a terminal that hangs up tells every process of the group.
    const ignore = (): void => undefined
    process.on('SIGHUP', ignore)
    link.onReload(reload)
    return () => process.off('SIGHUP', ignore)
  }
  process.on('SIGHUP', reload)
  return () => process.off('SIGHUP', reload)
}
