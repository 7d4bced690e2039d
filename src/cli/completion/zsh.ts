/** The completion script for zsh, with descriptions. Pure. */

import { firstSummary, firstWords, isTopic, type CompletedCommand } from './model.js'

export function zshScript(commands: readonly CompletedCommand[]): string {
  const topics = [...firstWords(commands)]
  const branching = topics.filter(([word, members]) => isTopic(word, members))
  return `#compdef kiss
# zsh completion of kiss: source <(kiss completion zsh), or a file _kiss in a folder of fpath
_kiss() {
  local command= word
  local -a items
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    [[ $word == -* ]] && break
    case $command in
      '') command=$word ;;
      ${branching.length === 0 ? "' '" : branching.map(([word]) => quote(word)).join('|')}) command="$command $word"; break ;;
      *) break ;;
    esac
  done
  local flag=\${words[CURRENT-1]}
  if [[ \${words[CURRENT]} == --*=* ]]; then
    flag=\${words[CURRENT]%%=*}
    compset -P 1 '*='
  fi
  case "$command $flag" in
${commands.flatMap(valueLines).join('\n')}
  esac
  case $command in
    '') items=(${topics.map(([word, members]) => item(word, firstSummary(word, members))).join(' ')}) ;;
${branching
  .map(([topic, members]) => {
    const words = members.filter(({ name }) => name !== topic)
    return `    ${quote(topic)}) items=(${words.map(({ name, summary }) => item(name.slice(topic.length + 1), summary)).join(' ')}) ;;`
  })
  .join('\n')}
${commands.map(commandLine).join('\n')}
  esac
  if (( $#items )); then _describe kiss items; else _files; fi
}
if [[ $funcstack[1] == _kiss ]]; then _kiss "$@"; else compdef _kiss kiss; fi
`
}

function valueLines({ name, flags }: CompletedCommand): string[] {
  return flags.flatMap(({ spellings, takes }) => {
    if (takes === 'none') return []
    const pattern = spellings.map((flag) => quote(`${name} ${flag}`)).join('|')
    return [`    ${pattern}) ${takes === 'file' ? '_files' : `compadd -- ${takes.map(quote).join(' ')}`}; return ;;`]
  })
}

function commandLine({ name, flags, values }: CompletedCommand): string {
  const items = flags.flatMap(({ spellings, summary }) => spellings.map((flag) => item(flag, summary)))
  const others = values.length === 0 ? '_files; return' : `items=(${values.map(quote).join(' ')})`
  return `    ${quote(name)}) if [[ \${words[CURRENT]} == -* ]]; then items=(${items.join(' ')}); else ${others}; fi ;;`
}

/** A word and its description, which a colon parts. */
function item(word: string, summary: string): string {
  return quote(summary === '' ? word : `${word.replaceAll(':', '\\:')}:${summary}`)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
