/** Regular expressions of the command line. Pure. */
import { KissError } from 'kiss-cache/plugin'

/** @throws KissError `usage` @param flag as the user typed it: `--include` */
export function patterns(flag: string, texts: readonly string[] = []): RegExp[] {
  return texts.map((text) => {
    try {
      return new RegExp(text, 'u')
    } catch (error) {
      throw new KissError('usage', `${flag}: ${text} is not a regular expression`, { cause: error })
    }
  })
}
