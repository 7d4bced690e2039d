/** The completion script for bash (4 or later, and 3.2 of macOS). Pure. */

import { firstWords, isTopic, type CompletedCommand } from './model.js'

export function bashScript(commands: readonly CompletedCommand[]): string {
  const topics = firstWords(commands)
  const topicNames = [...topics].filter(([word, members]) => isTopic(word, members)).map(([word]) => word)
  const second = topicNames.map((topic) => {
    const words = (topics.get(topic) ?? [])
      .map(({ name }) => name.slice(topic.length + 1))
      .filter((word) => word !== '')
    return `    ${quote(topic)}) words=${quote(words.join(' '))} ;;`
  })
  return `# bash completion of kiss: source <(kiss completion bash)
_kiss() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in -*) break ;; esac
    case $command in
      '') command=$word ;;
      ${topicNames.length === 0 ? "' '" : topicNames.map(quote).join('|')}) command="$command $word"; break ;;
      *) break ;;
    esac
  done
  # bash takes --flag=value apart
  if [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case "$command $previous" in
${commands.flatMap(valueLines).join('\n')}
  esac
  case $command in
    '') words=${quote([...topics.keys()].join(' '))} ;;
${second.join('\n')}
${commands.map(commandLine).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _kiss kiss
`
}

/** After a flag that takes a value: its values, or nothing, so that bash offers files. */
function valueLines({ name, flags }: CompletedCommand): string[] {
  const files = flags.filter(({ takes }) => takes === 'file').flatMap(({ spellings }) => spellings)
  const listed = flags.flatMap(({ spellings, takes }) => (typeof takes === 'string' ? [] : [{ spellings, takes }]))
  const pattern = (spellings: readonly string[]): string => spellings.map((flag) => quote(`${name} ${flag}`)).join('|')
  return [
    ...(files.length === 0 ? [] : [`    ${pattern(files)}) return ;;`]),
    ...listed.map(
      ({ spellings, takes }) =>
        `    ${pattern(spellings)}) COMPREPLY=($(compgen -W ${quote(takes.join(' '))} -- "$current")); return ;;`,
    ),
  ]
}

function commandLine({ name, flags, values }: CompletedCommand): string {
  const spellings = flags.flatMap(({ spellings }) => spellings)
  return `    ${quote(name)}) case $current in -*) words=${quote(spellings.join(' '))} ;; *) words=${quote(values.join(' '))} ;; esac ;;`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
