/** Reads a command line before a command parses it. Pure. */

/** `--` ends the flags. */
export function flagsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

export function asksForJson(argv: readonly string[]): boolean {
  return flagsOf(argv).includes('--json')
}

export function asksForHelp(argv: readonly string[]): boolean {
  const flags = flagsOf(argv)
  return argv.length === 0 || argv[0] === 'help' || ['--help', '-h', '--version'].some((flag) => flags.includes(flag))
}
