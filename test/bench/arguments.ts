/** What the command line of the benchmark says. */
import { parseArgs } from 'node:util'

export interface BenchArguments {
  /** Beginnings of ids of works; empty: all. */
  readonly only: readonly string[]
  /** Names of servers; empty: all. */
  readonly servers: readonly string[]
  readonly rounds: number
  readonly seconds: number
  readonly scale: number
  readonly json: boolean
  /** Where the table goes; only after a run of everything. */
  readonly write: boolean
}

export const USAGE = `npm run bench -- [--only hits,herd] [--servers kiss,nginx] [--rounds 3] [--seconds 2] [--scale 1] [--json]
A run of everything writes docs/performance.md.`

/** @throws TypeError for what it does not know */
export function parseBench(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      servers: { type: 'string', default: '' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      scale: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  })
  const list = (text: string): string[] => text.split(',').filter((item) => item !== '')
  const number = (name: 'rounds' | 'seconds' | 'scale'): number => {
    const value = Number(values[name])
    if (!(value > 0)) throw new TypeError(`--${name} is not a number above 0: ${values[name]}`)
    return value
  }
  const [only, servers] = [list(values.only), list(values.servers)]
  const [rounds, seconds, scale] = [number('rounds'), number('seconds'), number('scale')]
  const write = only.length === 0 && servers.length === 0 && scale === 1 && rounds >= 3
  return { only, servers, rounds, seconds, scale, json: values.json, write }
}
