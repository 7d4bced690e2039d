/** The primary process of `kiss serve --workers N`: it serves no client, and supervises the workers. */

import { randomBytes } from 'node:crypto'
import cluster, { type Worker } from 'node:cluster'
import { createServer, type AddressInfo } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'
import { LogSink, logTarget, type LogTarget } from '../../server/log-sink.js'
import { droppedLine, openLog, type LogLevel } from '../../server/log.js'
import type { BaseCommand } from '../base-command.js'
import type { SettingValues } from '../settings/table.js'
import { announce, keepAtRotation, tellSystemd } from './announce.js'
import { tellRestarts } from './reload.js'
import { accessOptions, connectionLimit, exposureOf } from './server-settings.js'
import { newVia } from './via.js'
import { forkWorker } from './worker-link.js'
import { Workers } from './workers.js'

/** Milliseconds beyond the drain timeout, in which a worker closes its index. */
const CLOSING = 5_000
/** Milliseconds that the last lines of the log may take. */
const LAST_LINES = 500

/** Resolves after a signal, when the last reader of the last worker has left. Throws the error that kept every worker from starting. */
export async function runPrimary(command: BaseCommand, values: SettingValues): Promise<void> {
  const readable = isatty(2)
  const sink = new LogSink({ target: logTarget(2), notice: (dropped) => droppedLine(dropped, readable) })
  const log = await openLog({ level: values['log-level'] as LogLevel, readable, target: lineTarget(sink) })
  // Workers accept connections themselves: no process would close a connection that the primary hands to a dying worker, and
  // its client would wait without end. A blocked worker accepts none.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  // The lines of all workers are written here: several writers of one pipe would mix their lines.
  cluster.setupPrimary({ silent: true })
  const credentialKey = randomBytes(32).toString('base64')
  const { shortage } = await connectionLimit(values)
  const exposure = exposureOf(values, await accessOptions(values))
  const common = {
    via: newVia(),
    credentialKey,
    readable,
    port: values.port === 0 ? await freePort(values.host) : values.port,
  }
  const workers = new Workers({
    count: values.workers,
    fork: () => withLines(forkWorker(common), sink),
    log,
    stop: command.stop,
    endWithin: values['drain-timeout'] + CLOSING,
    onListening: (url) => {
      announce(url, log, `, ${values.workers} workers`)
      if (shortage !== undefined) log.warn(`${shortage}; in each worker`)
      if (exposure !== undefined) log.warn(exposure)
    },
  })
  const reload = (): void => {
    workers.tell({ kind: 'reload' })
    void tellRestarts(command, log)
  }
  const stopping = (): void => tellSystemd('STOPPING=1', 'waiting for readers', log)
  command.stop.addEventListener('abort', stopping, { once: true })
  process.on('SIGHUP', reload)
  const endRotation = keepAtRotation(log)
  try {
    await workers.run()
  } finally {
    process.off('SIGHUP', reload)
    endRotation()
    command.stop.removeEventListener('abort', stopping)
    await log.close()
    await sink.close(LAST_LINES)
  }
}

/** Workers share a socket only if they listen on the same port, and a replacement needs that port too. */
async function freePort(host: string): Promise<number> {
  const server = createServer()
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, host, () => resolve((server.address() as AddressInfo).port))
    })
  } catch {
    // The worker that listens there reports the error.
    return 0
  } finally {
    server.close()
  }
}

/** Writes the messages of the primary itself. */
function lineTarget(sink: LogSink): LogTarget {
  return {
    write: (batch, done) => {
      sink.write(batch.toString())
      done()
    },
    close: () => undefined,
  }
}

function withLines(worker: Worker, sink: LogSink): Worker {
  for (const stream of [worker.process.stdout, worker.process.stderr]) if (stream) forwardLines(stream, sink)
  return worker
}

/** The last line of a process that was killed may lack its end. */
function forwardLines(stream: Readable, sink: LogSink): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream.on('data', (chunk: Buffer) => {
    const text = rest + decoder.write(chunk)
    const end = text.lastIndexOf('\n') + 1
    rest = text.slice(end)
    if (end > 0) sink.write(text.slice(0, end))
  })
  stream.on('close', () => {
    if (rest !== '') sink.write(`${rest}\n`)
  })
}
