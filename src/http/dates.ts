/** HTTP dates (RFC 9110 §5.6.7), read in all three forms, and Retry-After (§10.2.3), to milliseconds and back. Pure. */

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const time = '(\\d{2}):(\\d{2}):(\\d{2})'
const month = `(${months.join('|')})`

/** Sun, 06 Nov 1994 08:49:37 GMT */
const imfFixdate = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\\d{2}) ${month} (\\d{4}) ${time} GMT$`)
/** Sunday, 06-Nov-94 08:49:37 GMT */
const rfc850 = new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d{2})-${month}-(\\d{2}) ${time} GMT$`)
/** Sun Nov  6 08:49:37 1994 */
const asctime = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} ([ \\d]\\d) ${time} (\\d{4})$`)

/**
 * Milliseconds since the epoch; undefined for a text that is not an HTTP date.
 * @param now for the century of a two-digit year: the one that is at most 50 years ahead
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const imf = imfFixdate.exec(text)
  if (imf !== null) return utc(Number(imf[3]), imf[2], Number(imf[1]), imf.slice(4, 7))
  const old = rfc850.exec(text)
  if (old !== null) {
    const thisYear = new Date(now).getUTCFullYear()
    const year = thisYear - (thisYear % 100) + Number(old[3])
    return utc(year > thisYear + 50 ? year - 100 : year, old[2], Number(old[1]), old.slice(4, 7))
  }
  const c = asctime.exec(text)
  return c === null ? undefined : utc(Number(c[6]), c[1], Number(c[2]), c.slice(3, 6))
}

function utc(year: number, monthName: string | undefined, day: number, clock: readonly string[]): number | undefined {
  const [hour = 0, minute = 0, second = 0] = clock.map(Number)
  const monthIndex = months.indexOf(monthName ?? '')
  // A leap second is the second before it, as in POSIX.
  const date = new Date(Date.UTC(year, monthIndex, day, hour, minute, Math.min(second, 59)))
  // Date rolls 31 February over; no such day is no date.
  if (date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) return undefined
  return date.setUTCFullYear(year)
}

/** Milliseconds from `now` (since the epoch); undefined for any other text. A date in the past means now. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000
  const date = parseHttpDate(text, now)
  return date === undefined ? undefined : Math.max(0, date - now)
}

/** Whole seconds, at least one: after 0 a client would retry at once. */
export function formatRetryAfter(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)))
}
