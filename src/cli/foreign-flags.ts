/** Flags that users of curl, wget and aria2 know, and what kiss has in their place. */

const byItself = 'kiss does so by itself'

const answers: Readonly<Record<string, string>> = {
  '--cookie': 'write -H "Cookie: …"',
  '-b': 'write -H "Cookie: …"',
  '--user-agent': 'write -H "User-Agent: …"',
  '-A': 'write -H "User-Agent: …"',
  '--referer': 'write -H "Referer: …"',
  '-e': 'write -H "Referer: …"',
  '--continue': byItself,
  '-c': byItself,
  '--create-dirs': byItself,
  '--compressed': 'kiss keeps what the origin sends',
  '--directory-prefix': 'the flag is --directory',
  '-P': 'the flag is --directory',
  '--output-dir': 'the flag is --directory',
  '--dir': 'the flag is --directory',
  '--output-document': 'the flag is --output',
  '--out': 'the flag is --output',
  '--input-file': 'the flag is --input',
  '--retry': 'the flag is --retry-for, a time',
  '--tries': 'the flag is --retry-for, a time',
  '-t': 'the flag is --retry-for, a time',
  '--connect-timeout': 'the flag is --stall-timeout',
  '--speed-time': 'the flag is --stall-timeout',
  '--timeout': 'the flag is --max-time',
  '-T': 'the flag is --max-time',
  '-m': 'the flag is --max-time',
  '--checksum': 'the flag is --sha256',
  '--insecure': 'name the certificate with --ca-file',
  '-k': 'name the certificate with --ca-file',
  '--no-check-certificate': 'name the certificate with --ca-file',
  '--ca-certificate': 'the flag is --ca-file',
  '--proxy': 'set HTTPS_PROXY',
  '-x': 'set HTTPS_PROXY',
  '--max-concurrent-downloads': 'the flag is --parallel',
  '--parallel-max': 'the flag is --parallel',
  '-Z': 'the flag is --parallel',
  '--head': 'curl -I asks a kiss serve',
  '-I': 'curl -I asks a kiss serve',
}

export function answerTo(flag: string): string | undefined {
  return Object.hasOwn(answers, flag) ? answers[flag] : undefined
}
