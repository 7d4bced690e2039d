/** `kiss stats`, once or again and again. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, EngineStatus } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { figuresByHost } from '../../server/hosts.js'
import { statusDocument } from '../../server/status.js'
import { saved } from '../../server/totals.js'
import type { Entry } from '../../store/types.js'
import type { BaseCommand } from '../base-command.js'
import type { SettingValues } from '../settings/table.js'
import { statsLines } from './stats.js'

/** Milliseconds between two looks of --watch. */
const WATCH_INTERVAL = 2_000

/** Clears the terminal and goes to its top left corner (ECMA-48 ED and CUP). */
const CLEAR = '\u001b[2J\u001b[H'

export async function runStats(command: BaseCommand, engine: Engine, values: SettingValues): Promise<object> {
  if (values.watch && command.jsonEnabled()) throw new KissError('usage', '--watch shows; it does not go with --json')
  const status = await engine.status()
  if (command.jsonEnabled()) return statsDocument(status, values, command.config.version)
  await show(command, engine, values, status)
  while (values.watch && (await next(command.stop))) await show(command, engine, values, await engine.status())
  return {}
}

/** False once a signal has ended the watching, which is how it ends. */
async function next(stop: AbortSignal): Promise<boolean> {
  await sleep(WATCH_INTERVAL, undefined, { signal: stop }).catch(() => undefined)
  return !stop.aborted
}

/** The keys of `/api/v1/status/`; with a price also what was saved. */
function statsDocument(status: EngineStatus, values: SettingValues, version: string): object {
  const { 'egress-price': price } = values
  return {
    ...statusDocument(status, { instance: values['cache-dir'] ?? '', version, now: Date.now() }),
    ...(price === undefined ? {} : { egress_saved: Math.round(saved(status.counts, price) * 100) / 100 }),
  }
}

async function show(command: BaseCommand, engine: Engine, values: SettingValues, status: EngineStatus): Promise<void> {
  const entries: Entry[] = []
  for await (const entry of engine.list()) entries.push(entry)
  const lines = statsLines({
    status,
    hosts: figuresByHost(entries),
    cacheDir: values['cache-dir'] ?? '',
    price: values['egress-price'],
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  })
  command.log(`${values.watch && process.stdout.isTTY ? CLEAR : ''}${lines.join('\n')}`)
}
