/** Opens the engine on a cache directory: the composition root of everything below the command line and the server. */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { asKissError, KissError } from '../errors.js'
import type { UpstreamProvider } from '../provider/types.js'
import { Leases } from '../flight/lease.js'
import { thisProcess } from '../store/process.js'
import { openStore } from '../store/open.js'
import { isName } from '../store/names.js'
import type { Entry } from '../store/types.js'
import type { Origins, Upstream } from '../upstream/types.js'
import { systemClock } from '../clock.js'
import { EntryCatalogue } from './catalogue.js'
import { Credentials } from './credentials.js'
import { FailureLog } from './failures.js'
import { Fetching } from './fetching.js'
import { FromFlight } from './from-flight.js'
import { FromStore } from './from-store.js'
import { Intake, sweepIntakes } from './intake.js'
import { Rights } from './rights.js'
import { joinCluster, resourceKeyOf, type JoinedCluster } from './joined.js'
import { plan, purge, select } from './purge.js'
import { Rules, sharingOf } from './rules/rules.js'
import { plainProvider } from '../provider/owner.js'
import { fromOtherUrl } from './derived.js'
import { isListed } from '../flight/access.js'
import { ByOrigin } from './by-origin/by-origin.js'
import { Exchange } from './by-origin/exchange.js'
import { closing, Flights } from '../flight/flights.js'
import { AHEAD_IN_CLUSTER, Parallel } from '../flight/parallel.js'
import { inOrder } from '../flight/sources.js'
import { providerFor } from '../flight/subject.js'
import type { Engine, EngineOptions, EngineStatus, PurgeFilter, ShownEntry } from './types.js'

const DAY = 86_400_000
/** Maximum downloads. Each holds two open files and about 40 KB; with 64 at once the last one waits longer than any client. */
const TRANSFERS = 2_000
/** Entries with the same body that the details of one name: thousands may share an empty file. */
const SHARING = 200

/** Throws KissError `disk` or `configuration` if the directory cannot be used. */
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
    limit: unlessZero(options.limit),
  })
  const sweep = async (): Promise<string[]> => [...(await leases.sweepAll()), ...(await sweepIntakes(store.layout))]
  void sweep().catch((error: unknown) => warn(`cannot sweep unfinished downloads: ${asKissError(error).message}`))
  if (options.quota !== undefined) await store.space.setQuota(unlessZero(options.quota))
  const providers = options.providers ?? [plainProvider]
  const rules = new Rules(options.rules)
  const settings = {
    defaultTtl: options.defaultTtl ?? 10 * DAY,
    maxTtl: options.maxTtl ?? Infinity,
    staleIfError: options.staleIfError ?? DAY,
    retryFor: options.retryFor ?? 10 * 60_000,
    authTtl: options.authTtl ?? 5 * 60_000,
    ownUse: options.ownUse ?? false,
    sealed: options.sealed ?? false,
    maxTransfers: options.maxTransfers ?? TRANSFERS,
    syncBodies: options.syncBodies ?? false,
    shareOf: (canonical: URL, provider: UpstreamProvider) => sharingOf(provider, rules.of(canonical)),
  }
  // The commands of one user share a key of fingerprints; a server shares its key with its workers only.
  const credentialKey = options.credentialKey ?? (settings.ownUse ? store.layout.instance : undefined)
  let origins: Promise<Origins> | undefined
  const openNetwork = async (): Promise<Upstream> => {
    // A sealed server answers every request from the store. A request to the network would be a bug, and is refused.
    if (settings.sealed) throw new KissError('sealed', 'this cache is sealed: it contacts no origin')
    return import('../upstream/client.js').then(({ openUpstream }) =>
      openUpstream({
        ...options.upstream,
        trace: options.trace,
        ...(options.stallTimeout === undefined ? {} : { stallTimeout: options.stallTimeout }),
      }),
    )
  }
  const originsOf = (): Promise<Origins> =>
    (origins ??= openNetwork().then((network) =>
      inOrder([fromOtherUrl((request) => fetching.fetch(request))], network),
    ))
  const resourceKey = resourceKeyOf(options.cluster) ?? store.layout.instance
  const credentials = new Credentials({ now: () => clock.monotonic(), ttl: settings.authTtl, key: credentialKey })
  const failures = new FailureLog(() => clock.monotonic())
  const rights = new Rights({
    credentials,
    failures,
    origins: originsOf,
    now: () => clock.now(),
    resourceKey,
    ownUse: settings.ownUse,
  })
  const flights = new Flights({
    store,
    leases,
    origins: originsOf,
    parallel: new Parallel(
      { ...(options.cluster && { ahead: AHEAD_IN_CLUSTER }), ...options.parallel },
      () => clock.monotonic(),
      () => clock.now(),
    ),
    clock,
    random: Math.random,
    settings,
    failures,
    resourceKey,
    cluster: options.cluster && { begin: (order, lend) => joined?.begin(order, lend) },
    isListed: (noted) => isListed(noted, providers, settings),
    warn,
    trace: options.trace,
  })
  const fromStore = new FromStore({ store, rules, clock, authTtl: settings.authTtl })
  const fromFlight = new FromFlight({ flights, fromStore, rights, failures, store, clock, lifetimes: settings })
  const exchange = new Exchange({ store, clock, origins: originsOf, flights, settings })
  const byOrigin = new ByOrigin({ store, clock, fromStore, exchange, flights, sealed: settings.sealed })
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
  if (options.connectEarly === true && !settings.sealed) {
    await originsOf().catch(async (error: unknown) => {
      await store.close()
      throw error
    })
  }
  const status = async (): Promise<EngineStatus> => ({
    counts: await store.counters.read(),
    usage: { ...(await store.space.usage()), logical: await store.listing.logicalSize() },
    quota: await store.space.quota(),
    counted: await store.space.counted(),
    entries: await store.listing.count(),
    pinned: await store.pins.usage(clock.now()),
    downloads: await flights.downloads(),
    failures: await store.failures.read(),
    instance: store.layout.instance,
  })
  const canonical = (url: URL): URL => providerFor(url, providers).cacheKey(url)
  const joined: JoinedCluster | undefined =
    options.cluster &&
    (await joinCluster(options.cluster, {
      ...{ store, flights, leases, rights, rules, providers, canonical, clock, warn, status },
    }))
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    exchange.close(closing())
    await fetching.close()
    await joined?.close()
    // A network that could not be opened has been reported to the request that wanted it.
    await (await origins?.catch(() => undefined))?.close()
    await store.close()
  }
  const shown = (entry: Entry, pinnedUntil?: number): ShownEntry => {
    const noted = { access: entry.access, private: entry.private, shown: entry.url }
    return {
      ...entry,
      private: !isListed(noted, providers, settings),
      ...(pinnedUntil !== undefined && { pinnedUntil }),
    }
  }
  async function* listed(entries: AsyncIterable<Entry>, names = false): AsyncIterable<ShownEntry> {
    const pins = await store.pins.read(clock.now())
    for await (const entry of entries) if (names || !isName(entry)) yield shown(entry, pins.get(entry.id))
  }
  const selected = (filter: PurgeFilter, after?: string): AsyncIterable<ShownEntry> =>
    listed(select(filter, { store, canonical, now: clock.now() }, after), filter.names)
  return {
    fetch: (request) => joined?.caughtUp()?.then(() => fetching.fetch(request)) ?? fetching.fetch(request),
    again: (entry, ttl) => (joined?.caughtUp() ? undefined : fromStore.again(entry, ttl)),
    sentAgain: (entry, bytes) => fromStore.sentAgain(entry, bytes),
    list: (after) => listed(store.entries.list(after)),
    entry: async (id) => {
      const entry = await store.entries.find(id)
      if (entry === undefined) return undefined
      const others = await store.entries.sharing(entry, SHARING + 1)
      return {
        entry: shown(entry, await store.pins.end(entry.id, clock.now())),
        rule: rules.of(entry.url),
        sharing: others.slice(0, SHARING).map((other) => shown(other)),
        sharedByMore: others.length > SHARING,
        hitsByDay: await store.listing.hitsByDay(entry.id),
      }
    },
    select: selected,
    pin: async (filter, until) => {
      store.toWrite()
      const pinned = new Set(await store.pins.add(await idsIn(selected({ ...filter, names: true })), until))
      return (await all(selected(filter))).filter(({ id }) => pinned.has(id))
    },
    unpin: async (filter) => {
      store.toWrite()
      await store.pins.remove(await idsIn(selected({ ...filter, names: true })))
      return all(selected(filter))
    },
    open: (entry) => store.open(entry),
    intake: () => {
      store.toWrite()
      return new Intake(store)
    },
    purge: async (filter) => {
      const planned = plan(filter, canonical)
      const dryRun = filter.dryRun ?? false
      if (joined) return joined.purge(planned, dryRun)
      const { removed, bytes } = await purge(planned, dryRun, { store, transfers: flights, canonical })
      return { removed, bytes, dryRun }
    },
    setQuota: async (bytes) => {
      store.toWrite()
      await store.space.setQuota(bytes)
    },
    verify: (how) => store.verify({ ...how, sweepTransfers: sweep }),
    status,
    reconfigure: async ({ quota, rules: anew = [], ...lists }) => {
      if (!settings.sealed) (await originsOf()).update(lists)
      rules.replace(anew)
      if (quota !== undefined) await store.space.setQuota(unlessZero(quota))
    },
    catalogue: new EntryCatalogue({
      listing: store.listing,
      clock,
      isListed: (noted) => isListed(noted, providers, settings),
      shown,
    }),
    figures: store.figures,
    cluster: joined?.engine,
    close: () => (closed ??= close()),
  }
}

/** A quota of 0 is none. */
function unlessZero(bytes: number | undefined): number | undefined {
  return bytes === 0 ? undefined : bytes
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

async function idsIn(entries: AsyncIterable<Entry>): Promise<string[]> {
  return (await all(entries)).map(({ id }) => id)
}
