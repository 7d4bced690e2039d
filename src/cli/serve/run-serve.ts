/** `kiss serve`: the engine and the server together, from their settings until a signal has drained them. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { KissError } from '../../errors.js'
import type { Engine } from '../../engine/types.js'
import type { AccessOptions } from '../../server/access.js'
import type { RunningServer } from '../../server/server.js'
import type { LogLevel, OpenLog } from '../../server/log.js'
import type { BaseCommand } from '../base-command.js'
import { openEngine } from '../open-engine.js'
import type { SettingValues } from '../settings/table.js'
import { accessOptions, tlsFiles } from './server-settings.js'

/** Resolves when the last reader has left, or the drain timeout has passed. */
export async function runServe(command: BaseCommand, values: SettingValues): Promise<void> {
  if (values.workers > 1) throw new KissError('usage', '--workers: more than one is not supported yet')
  const [{ openLog }, access] = await Promise.all([import('../../server/log.js'), accessOptions(values)])
  const log = await openLog({ level: values['log-level'] as LogLevel })
  try {
    const via = `kiss-${randomBytes(6).toString('hex')}`
    const engine = await openEngine(command, { serving: true, via, warn: (line) => log.warn(line) })
    try {
      await serveWith(engine, { command, values, log, access, via })
    } finally {
      await engine.close()
    }
  } finally {
    await log.close()
  }
}

interface Serving {
  readonly command: BaseCommand
  readonly values: SettingValues
  readonly log: OpenLog
  readonly access: AccessOptions
  /** This instance's name in Via. */
  readonly via: string
}

async function serveWith(engine: Engine, { command, values, log, access, via }: Serving): Promise<void> {
  const [{ startServer }, { openObservation }, { systemClock }] = await Promise.all([
    import('../../server/server.js'),
    import('../../server/observation.js'),
    import('../../engine/open.js'),
  ])
  const tls = tlsFiles(values)
  const observation = await openObservation({ engine, log, clock: systemClock, egressPrice: values['egress-price'] })
  try {
    const server = await startServer({
      engine,
      log: observation.log,
      routes: observation.routes,
      host: values.host,
      port: values.port,
      version: command.config.version,
      access,
      serverNames: values['server-name'],
      drainTimeout: values['drain-timeout'],
      via,
      passHeaders: values['pass-headers'],
      ...(tls === undefined ? {} : { tls }),
    })
    await serveUntilStopped(server, log, command.stop, tls !== undefined)
  } finally {
    await observation.close()
  }
}

async function serveUntilStopped(server: RunningServer, log: OpenLog, stop: AbortSignal, tls: boolean): Promise<void> {
  const stopReloading = onHangup(server, log, tls)
  // The first line is for scripts that asked for a free port.
  process.stdout.write(`${server.url}\n`)
  log.info(`listening on ${server.url}`)
  if (!stop.aborted) await once(stop, 'abort')
  log.info(`draining, ${server.readers} being served`)
  await server.drain()
  stopReloading()
}

/** With TLS, SIGHUP reads the certificate again; a file that is broken just then changes nothing. */
function onHangup(server: RunningServer, log: OpenLog, tls: boolean): () => void {
  const reload = (): void => {
    if (!tls) return
    try {
      server.reloadTls()
      log.info('certificate read again')
    } catch (error) {
      log.error('the certificate cannot be read; the old one stays', error)
    }
  }
  process.on('SIGHUP', reload)
  return () => process.off('SIGHUP', reload)
}
