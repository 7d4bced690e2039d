/** `kiss serve`: the engine and the server together, from their settings until a signal has drained them. */

import cluster from 'node:cluster'
import { once } from 'node:events'
import type { Engine } from '../../engine/types.js'
import type { AccessOptions } from '../../server/access.js'
import { FutureSelf } from '../../server/self.js'
import type { RunningServer } from '../../server/server.js'
import type { LogLevel, OpenLog } from '../../server/log.js'
import type { BaseCommand } from '../base-command.js'
import { openEngine } from '../open-engine.js'
import type { SettingValues } from '../settings/table.js'
import { announce, keepAtRotation, tellSystemd } from './announce.js'
import { reload } from './reload.js'
import { accessOptions, clusterOptions, connectionLimit, exposureOf, tlsFiles } from './server-settings.js'
import { newVia } from './via.js'
import { workerLink, type WorkerLink } from './worker-link.js'

/** Resolves when the last reader has left, or the drain timeout has passed. */
export async function runServe(command: BaseCommand, values: SettingValues): Promise<void> {
  if (values.workers > 1 && cluster.isPrimary) return (await import('./primary.js')).runPrimary(command, values)
  const link = workerLink()
  try {
    await serve(command, values, link)
  } catch (error) {
    if (link === undefined) throw error
    // The primary reports it once.
    await link.failed(error)
    process.exitCode = 1
  }
}

async function serve(command: BaseCommand, values: SettingValues, link: WorkerLink | undefined): Promise<void> {
  const [{ openLog }, access] = await Promise.all([import('../../server/log.js'), accessOptions(values)])
  const log = await openLog({
    level: values['log-level'] as LogLevel,
    ...(link === undefined ? {} : { readable: link.readable }),
  })
  try {
    const via = link?.via ?? newVia()
    const self = new FutureSelf()
    const engine = await openEngine(command, {
      serving: true,
      via,
      self,
      warn: (line) => log.warn(line),
      cluster: await clusterOptions(values, command.config.version),
      ...(link !== undefined && { credentialKey: link.credentialKey }),
    })
    try {
      await serveWith(engine, { command, values, log, access, via, self, link })
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
  readonly self: FutureSelf
  /** The link to the primary, in a worker. */
  readonly link: WorkerLink | undefined
}

async function serveWith(engine: Engine, serving: Serving): Promise<void> {
  const { command, values, log, access, via, self, link } = serving
  const [{ startServer }, { openObservation }, { systemClock }] = await Promise.all([
    import('../../server/server.js'),
    import('../../server/observation.js'),
    import('../../clock.js'),
  ])
  const tls = tlsFiles(values)
  const accelRedirect = values['x-accel-redirect']
  const observation = await openObservation({ engine, log, clock: systemClock, egressPrice: values['egress-price'] })
  const { cluster } = engine
  const peers = cluster ? (await import('../../server/peer.js')).peerRoutes(cluster) : []
  const { connections, shortage } = await connectionLimit(values)
  try {
    const server = await startServer({
      engine,
      log: observation.log,
      routes: [...observation.routes, ...peers],
      host: values.host,
      port: link?.port ?? values.port,
      version: command.config.version,
      access,
      serverNames: values['server-name'],
      drainTimeout: values['drain-timeout'],
      via,
      passHeaders: values['pass-headers'],
      limits: { connections },
      ...(tls === undefined ? {} : { tls }),
      ...(accelRedirect === undefined ? {} : { accelRedirect }),
    })
    self.become(server.self)
    const notices = link === undefined ? [shortage, exposureOf(values, access)] : []
    for (const notice of notices) if (notice !== undefined) log.warn(notice)
    const again = (): Promise<void> => reload({ command, engine, server, log, isWorker: link !== undefined })
    await serveUntilStopped(server, log, command.stop, again, link, () => cluster?.drain())
  } finally {
    await observation.close()
  }
}

async function serveUntilStopped(
  server: RunningServer,
  log: OpenLog,
  stopped: AbortSignal,
  again: () => Promise<void>,
  link: WorkerLink | undefined,
  onDrain: () => void,
): Promise<void> {
  const stopReloading = onHangup(again, link)
  const endRotation = keepAtRotation(log)
  const stop = link === undefined ? stopped : AbortSignal.any([stopped, link.drain])
  if (link === undefined) announce(server.url, log)
  else link.listening(server.url)
  if (!stop.aborted) await once(stop, 'abort')
  onDrain()
  log.info(`draining, ${server.readers} being served`)
  if (link === undefined) tellSystemd('STOPPING=1', 'waiting for readers', log)
  await server.drain()
  stopReloading()
  endRotation()
}

/** SIGHUP reads the settings again, one time after the other. */
function onHangup(again: () => Promise<void>, link: WorkerLink | undefined): () => void {
  let last = Promise.resolve()
  const onSignal = (): void => void (last = last.then(again))
  if (link !== undefined) {
    // Workers get it from the primary; a closed terminal signals every process of the group.
    const ignore = (): void => undefined
    process.on('SIGHUP', ignore)
    link.onReload(onSignal)
    return () => process.off('SIGHUP', ignore)
  }
  process.on('SIGHUP', onSignal)
  return () => process.off('SIGHUP', onSignal)
}
