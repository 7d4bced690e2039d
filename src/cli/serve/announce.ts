/** Says where a server listens, and how it is, to whoever started it. */

import type { OpenLog } from '../../server/log.js'
import { notifySystemd, type ServiceState } from './notify.js'

/** Resolves when the last reader has left, or the drain timeout has passed. */
export async function runServe(command: BaseCommand, values: SettingValues): Promise<void> {
  if (values.workers > 1 && cluster.isPrimary) return (await import('./primary.js')).runPrimary(command, values)
  const link = workerLink()
  try {
    await serve(command, values, link)
  } catch (error) {
    if (link === undefined) throw error
    // Said once, by the primary.
    await link.failed(error)
    process.exitCode = 1
  }
}

async function serve(command: BaseCommand, values: SettingValues, link: WorkerLink | undefined): Promise<void> {
  const [{ startServer }, { openLog }, access] = await Promise.all([
    import('../../server/server.js'),
    import('../../server/log.js'),
    accessOptions(values),
  ])
  const tls = tlsFiles(values)
  const accelRedirect = values['x-accel-redirect']
  const log = await openLog({
    level: values['log-level'] as LogLevel,
    ...(link === undefined ? {} : { readable: link.readable }),
  })
  try {
    const via = link?.via ?? newVia()
    const engine = await openEngine(command, { serving: true, via, warn: (line) => log.warn(line) })
    try {
      const server = await startServer({
        engine,
        log,
        host: values.host,
        port: link?.port ?? values.port,
        version: command.config.version,
        access,
        serverNames: values['server-name'],
        drainTimeout: values['drain-timeout'],
        via,
        passHeaders: values['pass-headers'],
        ...(tls === undefined ? {} : { tls }),
        ...(accelRedirect === undefined ? {} : { accelRedirect }),
      })
      await serveUntilStopped(server, log, command.stop, tls !== undefined, link)
    } finally {
      await engine.close()
    }
  } finally {
    await log.close()
  }
}

async function serveUntilStopped(
  server: RunningServer,
  log: OpenLog,
  stopped: AbortSignal,
  tls: boolean,
  link: WorkerLink | undefined,
): Promise<void> {
  const stopReloading = onHangup(server, log, tls, link)
  const stop = link === undefined ? stopped : AbortSignal.any([stopped, link.drain])
  if (link === undefined) announce(server.url, log)
  else link.listening(server.url)
  if (!stop.aborted) await once(stop, 'abort')
  log.info(`draining, ${server.readers} being served`)
  if (link === undefined) tellSystemd('STOPPING=1', 'waiting for readers', log)
  await server.drain()
  stopReloading()
}

export function tellSystemd(state: ServiceState, status: string, log: OpenLog): void {
  void notifySystemd(state, status, { env: process.env, warn: (line) => log.warn(line) })
}

export function announce(url: string, log: OpenLog, more = ''): void {
  // The first line is for scripts that asked for a free port.
  process.stdout.write(`${url}\n`)
  log.info(`listening on ${url}${more}`)
  tellSystemd('READY=1', `listening on ${url}`, log)
}
