/** A lifetime as KissCache writes it: one number, one unit. Pure. */
import { KissError } from 'kiss-cache/plugin'

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** `10d`, `36h`, `90s`: the largest unit that is exact. */
export function ttlText(milliseconds: number): string {
  const exact = units.find(([, size]) => milliseconds % size === 0)
  if (exact === undefined) throw new KissError('usage', '--ttl has to be whole seconds')
  return `${milliseconds / exact[1]}${exact[0]}`
}
