/** What clusters feed, and where their parts end: arithmetic with the measured figures. Pure. */

export interface Measured {
  /** CPU seconds of a server for a GB of large hits. */
  readonly node: number
  /** CPU seconds of HAProxy for a GB of large hits. */
  readonly haproxy: number
  /** CPU seconds of HAProxy for a small hit. */
  readonly request: number
  /** The busiest node's share of the URLs, over the mean; by the number of nodes. */
  readonly shares: ReadonlyMap<number, number>
  /** CPU seconds of Redis. */
  readonly redis: {
    readonly miss: number
    readonly filled: number
    readonly renewal: number
    /** By the number of nodes. */
    readonly report: ReadonlyMap<number, number>
  }
  /** Bytes of Redis for each artifact. */
  readonly memory: number
}

/** Gbit/s. */
const CARDS = [10, 25]
/** Bytes that a board reads in its first minute. */
const BOARD = 400 * 1024 * 1024
/** One request in so many is a miss, of this mean size in bytes. */
const MISS = 50
const MEAN = 10_000_000
/** Milliseconds between two renewals, and between two reports. */
const BEAT = 2_000
/** Downloads of a node at once, by default, and the leases of one measured renewal. */
const DOWNLOADS = 64

export function capacityOf({ node, haproxy, request, shares, redis, memory }: Measured): string {
  const cases = [...shares].flatMap(([nodes, share]) => CARDS.map((card) => ({ nodes, share, card })))
  const feeds = cases.map(({ nodes, share, card }) => {
    const gigabytes = (nodes * card) / 8 / share
    return {
      ...{ nodes, card, share, gigabytes },
      boards: (gigabytes * 1e9 * 60) / BOARD,
      nodeCores: (card / 8) * node,
      haproxies: Math.ceil((gigabytes * 8) / card),
      haproxyCores: gigabytes * haproxy,
      misses: (gigabytes * 1e9) / MEAN / MISS,
    }
  })
  const use = ({ nodes, misses }: (typeof feeds)[number]): readonly number[] => [
    misses * redis.miss,
    misses * redis.filled,
    (nodes / (BEAT / 1000)) * (redis.renewal + (redis.report.get(nodes) ?? 0)),
  ]
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  const largest = feeds.at(-1)!
  const perMiss = redis.miss + redis.filled
  const beats = use(largest)[2]!
  return [
    `Figures of the tables above: a node needs ${node.toFixed(2)} CPU seconds for a GB of large hits and HAProxy ${haproxy.toFixed(2)}; HAProxy
needs ${micro(request)} µs for a small hit. A GB is 8 Gbit.`,
    table([
      [
        'nodes',
        'card, Gbit/s',
        'busiest node / mean',
        'the cluster feeds, GB/s',
        'boards a minute',
        'cores of a node',
        'HAProxies',
        'cores of all HAProxies',
      ],
      ...feeds.map((each) => [
        String(each.nodes),
        String(each.card),
        each.share.toFixed(2),
        `${each.nodes} × ${each.card} / 8 / ${each.share.toFixed(2)} = ${each.gigabytes.toFixed(1)}`,
        Math.round(each.boards).toLocaleString('en-GB'),
        `${each.card} / 8 × ${node.toFixed(2)} = ${each.nodeCores.toFixed(1)}`,
        String(each.haproxies),
        `${each.gigabytes.toFixed(1)} × ${haproxy.toFixed(2)} = ${each.haproxyCores.toFixed(1)}`,
      ]),
    ]),
    `A board reads 400 MiB within its first minute. A cluster is full when its busiest node is: the share of the busiest node
was counted for 20,000 URLs. An HAProxy has the same card as a node, and receives and sends every byte once.`,
    `Redis, if one request in ${MISS} is a miss, an artifact has ${MEAN / 1e6} MB, one peer is filled for each miss, and every node renews
${DOWNLOADS} leases every 2 s:`,
    table([
      ['nodes', 'card, Gbit/s', 'misses a second', 'use of one core: misses + fills + renewals and reports'],
      ...feeds.map((each) => [
        String(each.nodes),
        String(each.card),
        `${each.gigabytes.toFixed(1)} × 1000 / ${MEAN / 1e6} / ${MISS} = ${each.misses.toFixed(0)}`,
        `${use(each)
          .map((value) => value.toFixed(4))
          .join(' + ')} = ${sum(use(each)).toFixed(3)}`,
      ]),
    ]),
    `At ${largest.nodes} nodes one core of Redis is full at (1 − ${beats.toFixed(2)}) / (${micro(redis.miss)} µs + ${micro(redis.filled)} µs) = ${Math.round((1 - beats) / perMiss).toLocaleString('en-GB')} misses a second, or at
${DOWNLOADS} / ${micro(redis.renewal)} µs = ${Math.round(DOWNLOADS / redis.renewal).toLocaleString('en-GB')} renewals a second. One HAProxy core passes 1 / ${haproxy.toFixed(2)} = ${(1 / haproxy).toFixed(1)} GB/s of large hits or
1 / ${micro(request)} µs = ${Math.round(1 / request).toLocaleString('en-GB')} small hits a second. An artifact takes ${(memory / 1024).toFixed(1)} KiB of Redis: ${(512 / (memory / 1024 / 1024)).toLocaleString('en-GB', { maximumSignificantDigits: 2 })} artifacts in 512 MiB.`,
  ].join('\n\n')
}

function micro(seconds: number): string {
  return (seconds * 1e6).toFixed(0)
}

function table([head = [], ...lines]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]!.length)))
  const padded = [head, ...lines].map((line) => line.map((text, column) => text.padStart(widths[column]!)))
  const rule = widths.map((width) => `${'-'.repeat(width - 1)}:`)
  return [padded[0]!, rule, ...padded.slice(1)].map((line) => `| ${line.join(' | ')} |`).join('\n')
}
