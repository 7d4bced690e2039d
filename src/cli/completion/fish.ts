/** The completion script for fish, with descriptions. Pure. */

import { firstSummary, firstWords, isTopic, type CompletedCommand, type CompletedFlag } from './model.js'

export function fishScript(commands: readonly CompletedCommand[]): string {
  const topics = [...firstWords(commands)]
  const lines = topics.flatMap(([word, members]) => [
    line(['-n', quote('__kiss_is'), '-f', '-a', word, ...described(firstSummary(word, members))]),
    ...(isTopic(word, members)
      ? members
          .filter(({ name }) => name !== word)
          .map(({ name, summary }) =>
            line(['-n', quote(`__kiss_is ${word}`), '-f', '-a', name.slice(word.length + 1), ...described(summary)]),
          )
      : []),
  ])
  return `# fish completion of kiss: kiss completion fish | source
function __kiss_words
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; and break
    echo $word
  end
end
function __kiss_is --description 'are these all words of the command so far?'
  set -l words (__kiss_words)
  test "$words" = "$argv"
end
function __kiss_in --description 'is this the command?'
  set -l words (__kiss_words)
  set -l wanted (count $argv)
  test (count $words) -ge $wanted; and test "$words[1..$wanted]" = "$argv"
end
${lines.join('\n')}
${commands.flatMap(commandLines).join('\n')}
`
}

function commandLines({ name, flags, values }: CompletedCommand): string[] {
  const within = ['-n', quote(`__kiss_in ${name}`)]
  return [
    ...flags.flatMap((flag) => flagLines(within, flag)),
    ...(values.length === 0 ? [] : [line([...within, '-f', '-a', quote(values.join(' '))])]),
  ]
}

function flagLines(within: readonly string[], { spellings, summary, takes }: CompletedFlag): string[] {
  const value = takes === 'none' ? [] : takes === 'file' ? ['-r'] : ['-x', '-a', quote(takes.join(' '))]
  return spellings.map((flag) => {
    const spelled = flag.startsWith('--') ? ['-l', flag.slice(2)] : ['-s', flag.slice(1)]
    return line([...within, ...spelled, ...value, ...described(summary)])
  })
}

function line(words: readonly string[]): string {
  return `complete -c kiss ${words.join(' ')}`
}

function described(summary: string): string[] {
  return summary === '' ? [] : ['-d', quote(summary)]
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
