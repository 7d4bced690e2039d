/** `kiss stats`, once or with `--watch`. */

import { setTimeout as sleep } from 'node:timers/promises'
import { KissError } from '../../errors.js'
import { figuresByHost } from '../../engine/catalogue.js'
import type { BaseCommand } from '../base-command.js'
import type { SettingValues } from '../settings/table.js'
import type { InspectedCache } from './cache.js'
import type { Showable } from './list.js'
import { saved, statsLines, type StatusDocument } from './stats.js'

/** Milliseconds between two looks of --watch. */
const WATCH_INTERVAL = 2_000

/** Clears the terminal and goes to its top left corner (ECMA-48 ED and CUP). */
const CLEAR = '\u001b[2J\u001b[H'

/** The keys of `/api/v1/status/`; with a price also `egress_saved`. */
export async function runStats(
  command: BaseCommand,
  cache: InspectedCache,
  values: SettingValues,
): Promise<StatusDocument> {
  const { watch, 'egress-price': price } = values
  if (watch && command.jsonEnabled()) throw new KissError('usage', '--watch shows; it does not go with --json')
  const status = await cache.status()
  if (!command.jsonEnabled()) {
    await show(command, cache, values, status)
    while (watch && (await next(command.stop))) await show(command, cache, values, await cache.status())
  }
  return price === undefined ? status : { ...status, egress_saved: saved(status, price), egress_unit: price.unit }
}

/** False after a signal ended the watch, which is its normal end. */
async function next(stop: AbortSignal): Promise<boolean> {
  await sleep(WATCH_INTERVAL, undefined, { signal: stop }).catch(() => undefined)
  return !stop.aborted
}

/** A server lists its entries for the administrator alone; without them the hosts are left out. */
async function listable(cache: InspectedCache): Promise<Showable[]> {
  try {
    return await cache.entries({})
  } catch (error) {
    if (error instanceof KissError && (error.status === 401 || error.status === 405)) return []
    throw error
  }
}

async function show(
  command: BaseCommand,
  cache: InspectedCache,
  values: SettingValues,
  status: StatusDocument,
): Promise<void> {
  const lines = statsLines({
    status,
    hosts: figuresByHost(await listable(cache)),
    name: cache.name,
    price: values['egress-price'],
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  })
  if (values.watch && process.stdout.isTTY) process.stdout.write(CLEAR)
  command.log(lines.join('\n'))
}
