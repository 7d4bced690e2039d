/** Opens the engine on a cache directory: the composition root of everything below the command line and the server. */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { asKissError } from '../errors.js'
import type { UpstreamProvider } from '../provider/types.js'
import { Leases } from '../flight/lease.js'
import { monotonic, thisProcess } from '../store/process.js'
import { openStore } from '../store/open.js'
import type { Entry } from '../store/types.js'
import type { Origins, Upstream } from '../upstream/types.js'
import { again, sentAgain } from './again.js'
import { Credentials } from './credentials.js'
import { FailureLog } from './failures.js'
import { Fetching } from './fetching.js'
import { FromFlight } from './from-flight.js'
import { FromStore } from './from-store.js'
import { Rights } from './rights.js'
import { Rules, sharingOf } from './rules/rules.js'
import { purge, select } from './purge.js'
import { plainProvider } from '../provider/plain.js'
import { fromOtherUrl } from './derived.js'
import { isListed } from '../flight/access.js'
import { ByOrigin } from './by-origin/by-origin.js'
import { Exchange } from './by-origin/exchange.js'
import { closing, Flights } from '../flight/flights.js'
import { Parallel } from '../flight/parallel.js'
import { inOrder } from '../flight/sources.js'
import { providerFor } from '../flight/subject.js'
import type { Clock, Engine, EngineOptions } from './types.js'

const DAY = 86_400_000
/** Each holds two open files and some 40 KB; with 64 at once the last of them waits longer than any client does. */
const TRANSFERS = 2_000

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {})
  },
}

/** Throws KissError `disk` or `configuration` where the directory cannot be used. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const clock = options.clock ?? systemClock
  const warn = options.warn ?? ((message: string) => process.stderr.write(`kiss: ${message}\n`))
  const here = await thisProcess()
  const leases = new Leases({
    directory: join(options.cacheDir, 'transfers'),
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => delay(ms, undefined, { signal }),
    ...options.leaseTimes,
  })
  const store = await openStore({
    cacheDir: options.cacheDir,
    clock,
    warn,
    boot: here.boot,
    owner: JSON.stringify(here),
    isLive: (reservation) => leases.isLive(reservation),
    limit: options.limit,
  })
  void leases
    .sweepAll()
    .catch((error: unknown) => warn(`cannot sweep unfinished downloads: ${asKissError(error).message}`))
  if (options.quota !== undefined) await store.space.setQuota(options.quota)
  const providers = options.providers ?? [plainProvider]
  const rules = new Rules(options.rules)
  const settings = {
    defaultTtl: options.defaultTtl ?? 10 * DAY,
    maxTtl: options.maxTtl ?? Infinity,
    staleIfError: options.staleIfError ?? DAY,
    retryFor: options.retryFor ?? 10 * 60_000,
    authTtl: options.authTtl ?? 5 * 60_000,
    ownUse: options.ownUse ?? false,
    maxTransfers: options.maxTransfers ?? TRANSFERS,
    syncBodies: options.syncBodies ?? false,
    shareOf: (canonical: URL, provider: UpstreamProvider) => sharingOf(provider, rules.of(canonical)),
  }
  // The commands of one user share their fingerprints; a server shares its key with its workers alone.
  const credentialKey = options.credentialKey ?? (settings.ownUse ? store.layout.instance : undefined)
  let origins: Promise<Origins> | undefined
  const openNetwork = (): Promise<Upstream> =>
    import('../upstream/client.js').then(({ openUpstream }) =>
      openUpstream({
        ...options.upstream,
        trace: options.trace,
        ...(options.stallTimeout === undefined ? {} : { stallTimeout: options.stallTimeout }),
      }),
    )
  const originsOf = (): Promise<Origins> =>
    (origins ??= openNetwork().then((network) =>
      inOrder([fromOtherUrl((request) => fetching.fetch(request))], network),
    ))
  const credentials = new Credentials({ now: () => clock.monotonic(), ttl: settings.authTtl, key: credentialKey })
  const failures = new FailureLog(() => clock.monotonic())
  const rights = new Rights({
    credentials,
    failures,
    origins: originsOf,
    now: () => clock.now(),
    resourceKey: store.layout.instance,
    ownUse: settings.ownUse,
  })
  const flights = new Flights({
    store,
    leases,
    origins: originsOf,
    parallel: new Parallel(options.parallel ?? {}, () => clock.monotonic()),
    clock,
    random: Math.random,
    settings,
    failures,
    isListed: (noted) => isListed(noted, providers, settings),
    warn,
    trace: options.trace,
  })
  const fromStore = new FromStore({ store, clock, authTtl: settings.authTtl })
  const fromFlight = new FromFlight({ flights, fromStore, rights, failures, store, clock, lifetimes: settings })
  const exchange = new Exchange({ store, clock, origins: originsOf, flights, settings })
  const byOrigin = new ByOrigin({ store, clock, fromStore, exchange, flights })
  const fetching: Fetching = new Fetching({
    providers,
    credentials,
    settings,
    rules,
    rights,
    fromStore,
    fromFlight,
    byOrigin,
    flights,
    store,
    clock,
    trace: options.trace,
  })
  if (options.connectEarly === true) {
    await originsOf().catch(async (error: unknown) => {
      await store.close()
      throw error
    })
  }
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    exchange.close(closing())
    await fetching.close()
    await (await origins)?.close()
    await store.close()
  }
  const canonical = (url: URL): URL => providerFor(url, providers).cacheKey(url)
  const shown = (entry: Entry): Entry => ({
    ...entry,
    private: !isListed({ access: entry.access, private: entry.private, shown: entry.url }, providers, settings),
  })
  return {
    fetch: (request) => fetching.fetch(request),
    again: (entry, ttl) => again(entry, ttl, { store, rules, clock }),
    sentAgain: (entry, bytes) => sentAgain(entry, bytes, { store }),
    list: async function* (after) {
      for await (const entry of store.entries.list(after)) yield shown(entry)
    },
    entry: async (id) => {
      const entry = await store.entries.find(id)
      if (entry === undefined) return undefined
      const all = await store.entries.allOf(entry.sha256)
      return {
        entry: shown(entry),
        rule: rules.of(entry.url),
        sharing: all.filter((other) => other.id !== entry.id).map(shown),
        hitsByDay: await store.entries.hitsByDay(entry.id),
      }
    },
    select: async function* (filter, after) {
      for await (const entry of select(filter, { store, canonical, now: clock.now() }, after)) yield shown(entry)
    },
    purge: (filter) => purge(filter, { store, transfers: flights, canonical }),
    setQuota: async (bytes) => {
      store.toWrite()
      await store.space.setQuota(bytes)
    },
    verify: (how) => store.verify({ ...how, sweepTransfers: () => leases.sweepAll() }),
    status: async () => ({
      counts: await store.counters.read(),
      usage: { ...(await store.space.usage()), logical: await store.entries.logicalSize() },
      quota: await store.space.quota(),
      counted: await store.space.counted(),
      entries: await store.entries.count(),
      downloads: await flights.downloads(),
      failures: await store.failures.read(),
      instance: store.layout.instance,
    }),
    reconfigure: async ({ quota, rules: anew = [], ...lists }) => {
      ;(await originsOf()).update(lists)
      rules.replace(anew)
      if (quota !== undefined) await store.space.setQuota(quota)
    },
    figures: store.figures,
    close: () => (closed ??= close()),
  }
}
