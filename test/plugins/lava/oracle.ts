/** What LAVA downloads, said a second time and otherwise: over plain objects, for tests to compare with. */

type Path = readonly (string | number)[]

const tables: Readonly<Record<string, string>> = {
  tftp: 'ramdisk kernel dtb nfsrootfs modules preseed tee dtbo/# extra_files/*',
  nbd: 'initrd kernel dtb nbdroot',
  tmpfs: 'images/* uefi',
  'iso-installer': 'images/iso images/preseed',
  fastboot: 'images/*',
  fvp: 'images/*',
  mps: 'images/*',
  recovery: 'images/*',
  uuu: 'images/*',
  download: 'images/*',
  downloads: 'images/*',
  flasher: 'images/*',
  musca: 'images/test_binary',
  vemsd: 'recovery_image',
  'u-boot-ums': 'image',
  'usbg-ms': 'image',
  qdl: 'qcomflash',
}

const placeholder =
  /\{\{|\{%|\$[{(A-Za-z_]|\{[^{}]*\}|@[\w-]+@|<[^<>]+>|\[\[|%\(|%(?![0-9a-f]{2})[a-z_]\w*%|__[a-z0-9]+(?:_[a-z0-9]+)*__/i

/** Paths of the URLs that go through a cache at `server`. */
export function downloads(job: unknown, server: string): Path[] {
  const found: Path[] = []
  for (const [index, action] of list(at(job, 'actions')).entries()) {
    const deploy = at(action, 'deploy')
    const base: Path = ['actions', index, 'deploy']
    for (const [path, artifact] of artifacts(deploy, job))
      if (at(deploy, 'to') !== 'flasher' || at(artifact, 'download') !== false)
        collect(artifact, [...base, ...path], 'url', server, found)
    for (const name of ['definitions', 'services'])
      for (const [item, test] of list(at(at(action, 'test'), name)).entries())
        if (at(test, 'from') === 'url')
          collect(test, ['actions', index, 'test', name, item], 'repository', server, found)
  }
  return found
}

function artifacts(deploy: unknown, job: unknown): [Path, unknown][] {
  const to = String(at(deploy, 'to'))
  const images = at(deploy, 'images')
  const hasImages = images !== undefined
  const isFilled = hasImages && images !== null && Object.keys(images).length > 0
  const isQemu = /qemu/.test(JSON.stringify([at(job, 'device_type'), at(job, 'protocols'), methods(job)]))
  const table =
    to === 'usb' || to === 'sd' || to === 'sata'
      ? hasImages
        ? 'images/*'
        : 'image'
      : to === 'avh'
        ? isFilled
          ? 'images/*'
          : 'fw_package'
        : to === 'nfs'
          ? hasImages && isQemu
            ? 'uefi images/*'
            : 'nfsrootfs modules'
          : (tables[to] ?? '')
  return table.split(' ').flatMap((pattern): [Path, unknown][] => {
    const [name = '', inner] = pattern.split('/')
    const node = at(deploy, name)
    if (node === undefined) return []
    if (inner === undefined) return [[[name], node]]
    if (inner === '#') return list(node).map((item, index) => [[name, index], item])
    return keys(node)
      .filter((key) => inner === '*' || inner === key)
      .map((key) => [[name, key], at(node, key)])
  })
}

function collect(artifact: unknown, path: Path, key: string, server: string, found: Path[]): void {
  const url = at(artifact, key)
  const cached = at(artifact, 'use_cache')
  const uncached = cached === null || cached === false || cached === 0 || cached === ''
  if (typeof url === 'string' && !uncached && goesThroughCache(url, server)) found.push([...path, key])
  for (const name of keys(at(artifact, 'overlays')))
    if (name !== 'lava') collect(at(at(artifact, 'overlays'), name), [...path, 'overlays', name], 'url', server, found)
}

function goesThroughCache(url: string, server: string): boolean {
  return (
    /^https?:\/\/[^/?#]/i.test(url) &&
    !placeholder.test(url) &&
    URL.canParse(url) &&
    !url.toLowerCase().startsWith(server)
  )
}

function methods(job: unknown): unknown[] {
  return list(at(job, 'actions')).map((action) => at(at(action, 'boot'), 'method'))
}

export function at(node: unknown, key: string | number): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, key)
    ? (node as Record<string, unknown>)[key]
    : undefined
}

function keys(node: unknown): string[] {
  return typeof node === 'object' && node !== null && !Array.isArray(node) ? Object.keys(node) : []
}

function list(node: unknown): unknown[] {
  return Array.isArray(node) ? node : []
}
