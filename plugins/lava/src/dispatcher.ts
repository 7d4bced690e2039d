/** The settings of a LAVA dispatcher that send its downloads through kiss without a change to any job. Pure. */

export interface DispatcherConfig {
  /** Filled by LAVA with Python's `%` and `quote_plus`. */
  readonly http_url_format_string: string
  /** Asks the origin where the cache fails. */
  readonly http_cache_fallback_origin_url: boolean
  /** Python regular expressions, searched for in the job's URL. */
  readonly http_cache_exclude_rules: readonly string[]
}

export interface DispatcherOptions {
  readonly ttl?: string
  readonly fallback?: boolean
  readonly exclude?: readonly string[]
}

/** @param server as `serverBase` gives it */
export function dispatcherConfig(server: string, { ttl, fallback = true, exclude = [] }: DispatcherOptions = {}) {
  const format = `${server.replaceAll('%', '%%')}/api/v1/fetch?url=%s${ttl === undefined ? '' : `&ttl=${ttl}`}`
  return {
    http_url_format_string: format,
    http_cache_fallback_origin_url: fallback,
    // A job that was rewritten comes here already: without this rule its downloads would pass the cache twice.
    http_cache_exclude_rules: [`^${pythonEscape(server)}/api/v1/fetch[/?]`, ...exclude],
  } satisfies DispatcherConfig
}

/** As YAML, with comments. */
export function dispatcherYaml(config: DispatcherConfig): string {
  return [
    '# For the dispatcher.yaml of a LAVA worker: on the LAVA server, /etc/lava-server/dispatcher.d/<worker>/dispatcher.yaml',
    `http_url_format_string: ${quoted(config.http_url_format_string)}`,
    '# Ask the origin itself when the cache does not answer with 200.',
    `http_cache_fallback_origin_url: ${String(config.http_cache_fallback_origin_url)}`,
    '# Jobs that kiss lava rewrite has changed come through the cache already.',
    'http_cache_exclude_rules:',
    ...config.http_cache_exclude_rules.map((rule) => `- ${quoted(rule)}`),
    '',
  ].join('\n')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function pythonEscape(text: string): string {
  return text.replace(/[.^$*+?{}[\]\\|()]/g, '\\$&')
}
