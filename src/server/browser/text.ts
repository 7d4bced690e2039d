/** Formats numbers and times of the charts. Pure. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** uPlot types a missing value as a number. */
export function rateText(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return '–'
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${value >= 100 || power === 0 ? value.toFixed(0) : Number(value.toFixed(1))} ${units[power] ?? ''}/s`
}

export function shareText(share: number | null | undefined): string {
  return typeof share === 'number' ? `${(share * 100).toFixed(1)} %` : '–'
}

/** At most four axis steps that are round in binary units; the last one is at least the peak. */
export function byteSplits(peak: number | null): number[] {
  const highest = Math.max(4, peak ?? 0)
  const power = Math.min(units.length - 1, Math.floor(Math.log2(highest / 4) / 10))
  const unit = 1024 ** Math.max(0, power)
  const step = (nice.find((n) => n * unit * 4 >= highest) ?? 1024) * unit
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, i) => i * step)
}
const nice = [1, 2, 5, 10, 20, 50, 100, 200, 256, 512, 1024]

const two = (n: number): string => String(n).padStart(2, '0')

export function timeText(at: number, step: number): string {
  const date = new Date(at * 1000)
  return step >= 86_400
    ? `${two(date.getMonth() + 1)}-${two(date.getDate())}`
    : `${two(date.getHours())}:${two(date.getMinutes())}`
}

/** @param interval seconds between two points */
export function momentText(at: number | null | undefined, interval: number): string {
  if (at === null || at === undefined) return '–'
  const date = new Date(at * 1000)
  const day = interval > 3_600 ? `${two(date.getMonth() + 1)}-${two(date.getDate())} ` : ''
  const seconds = interval < 60 ? `:${two(date.getSeconds())}` : ''
  return `${day}${two(date.getHours())}:${two(date.getMinutes())}${seconds}`
}
