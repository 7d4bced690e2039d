/** Walks a job to the places where LAVA would find a URL to download, by the table in rules.ts. */
import { KissError } from 'kiss-cache/plugin'
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { stringOf, truthOf, type View } from './pyyaml.js'
import { actionNames, deployRules, ownOverlay, testLists, type DeployRule } from './rules.js'

/** One URL that LAVA's dispatcher would download (if it is one: that is for plan.ts to say). */
export interface Place {
  readonly view: View
  /** `actions[0].deploy.kernel.url` */
  readonly path: string
  /** `kernel.url`: below the action. */
  readonly label: string
  /** Where the job refers to it: an alias, or the node itself. */
  readonly at: Node
  /** Aliases followed. */
  readonly node: Node | undefined
  /** What else the job says of the download: sums, headers, use_cache. */
  readonly artifact: Node
  readonly useCache: boolean
}

export interface Walk {
  readonly places: readonly Place[]
  /** A key with URLs below it that is in no table. */
  readonly unknown: readonly Unknown[]
  /** False: no list of actions, so no job. */
  readonly isJob: boolean
}

/** A deploy method, or an action, that kiss does not know; or images that LAVA takes on some devices only. */
export interface Unknown {
  readonly kind: 'method' | 'action' | 'images'
  readonly path: string
  readonly at: Node
  readonly name: string
}

/** Aliases can make any number of a few lines. */
const most = 100_000

interface Found {
  readonly path: string
  readonly node: Node
}

export function walk(view: View): Walk {
  const places: Place[] = []
  const unknown: Unknown[] = []
  const actions = view.get(view.root, 'actions')
  const list = view.items(actions)
  const onQemu = isForQemu(view)
  for (const [index, action] of list.entries()) {
    const base = `actions[${index}]`
    const deploy = view.get(action, 'deploy')
    if (deploy !== undefined) {
      const to = view.get(deploy, 'to')
      const method = stringOf(view.resolve(to))
      const rule = method === undefined ? undefined : ruleOf(method)
      const root = `${base}.deploy`
      for (const found of rule === undefined ? [] : artifactsOf(view, deploy, rule, onQemu))
        collect(view, root, found, 'url', places, [])
      const images = view.get(deploy, 'images')
      if (rule?.onlyOnQemu === true && images !== undefined && hasUrl(view, images) && !onQemu)
        unknown.push({ kind: 'images', path: `${root}.images`, at: images, name: 'images' })
      if (rule === undefined && to !== undefined && method !== undefined && hasUrl(view, deploy))
        unknown.push({ kind: 'method', path: `${root}.to`, at: to, name: method })
    }
    for (const name of testLists)
      for (const [item, definition] of view.items(view.get(view.get(action, 'test'), name)).entries())
        if (stringOf(view.resolve(view.get(definition, 'from'))) === 'url')
          collect(view, `${base}.test`, { path: `${name}[${item}]`, node: definition }, 'repository', places, [])
    for (const { key, name, value } of view.entries(action))
      if (name !== undefined && !actionNames.has(name) && hasUrl(view, value))
        unknown.push({ kind: 'action', path: `${base}.${name}`, at: key, name })
  }
  return { places, unknown, isJob: isSeq(view.resolve(actions)) }
}

function ruleOf(method: string): DeployRule | undefined {
  return Object.hasOwn(deployRules, method) ? deployRules[method] : undefined
}

function artifactsOf(view: View, deploy: Node, rule: DeployRule, onQemu: boolean): Found[] {
  const images = view.resolve(view.get(deploy, 'images'))
  const instead =
    rule.withImages !== undefined &&
    images !== undefined &&
    (rule.unlessEmpty !== true || truthOf(images)) &&
    (rule.onlyOnQemu !== true || onQemu)
  const patterns = instead ? (rule.withImages ?? []) : rule.artifacts
  const found = patterns.flatMap((pattern) => select(view, deploy, pattern))
  const { unless } = rule
  if (unless === undefined) return found
  return found.filter(({ node }) => {
    const value = view.resolve(view.get(node, unless))
    return value === undefined || truthOf(value)
  })
}

/** The nodes that a pattern of the table names: `kernel`, `images.*`, `images.iso`, `dtbo[]`. */
function select(view: View, root: Node, pattern: string): Found[] {
  if (pattern.endsWith('[]')) {
    const name = pattern.slice(0, -2)
    return view.items(view.get(root, name)).map((node, index) => ({ path: `${name}[${index}]`, node }))
  }
  const [first = '', second] = pattern.split('.')
  const node = view.get(root, first)
  if (node === undefined) return []
  if (second === undefined) return [{ path: first, node }]
  return view
    .entries(node)
    .filter(({ name }) => second === '*' || name === second)
    .map(({ key, name, value }) => ({ path: `${first}.${name ?? keyText(key)}`, node: value }))
}

/** Adds the URL of an artifact and those of its overlays, which are artifacts themselves. */
function collect(view: View, root: string, { path, node }: Found, key: string, places: Place[], above: Node[]): void {
  const artifact = view.resolve(node)
  if (artifact === undefined || !isMap(artifact) || above.includes(artifact)) return
  if (places.length >= most) throw new KissError('usage', `the job has more than ${most} downloads`)
  const at = view.get(artifact, key)
  if (at !== undefined) {
    const useCache = view.resolve(view.get(artifact, 'use_cache'))
    places.push({
      view,
      path: `${root}.${path}.${key}`,
      label: `${path}.${key}`,
      at,
      node: view.resolve(at),
      artifact,
      useCache: useCache === undefined || truthOf(useCache),
    })
  }
  for (const overlay of view.entries(view.get(artifact, 'overlays')))
    if (overlay.name !== ownOverlay) {
      const name = overlay.name ?? keyText(overlay.key)
      collect(view, root, { path: `${path}.overlays.${name}`, node: overlay.value }, 'url', places, [
        ...above,
        artifact,
      ])
    }
}

function keyText(key: Node): string {
  return isScalar(key) ? String(key.value) : '?'
}

/** LAVA decides by the device; what a job shows of it is the device type and how it boots. */
function isForQemu(view: View): boolean {
  const text = (node: Node | undefined): string => stringOf(view.resolve(node)) ?? ''
  const roles = view.get(view.get(view.get(view.root, 'protocols'), 'lava-multinode'), 'roles')
  const types = [view.root, ...view.entries(roles).map(({ value }) => value)].map((node) =>
    view.get(node, 'device_type'),
  )
  const methods = view
    .items(view.get(view.root, 'actions'))
    .map((action) => view.get(view.get(action, 'boot'), 'method'))
  return types.some((type) => /qemu|kvm/i.test(text(type))) || methods.some((method) => /^qemu/.test(text(method)))
}

/** Does an artifact with an http URL stand below? */
function hasUrl(view: View, node: Node, seen = new Set<Node | undefined>()): boolean {
  const target = view.resolve(node)
  if (seen.has(target)) return false
  seen.add(target)
  if (/^https?:/i.test(stringOf(view.resolve(view.get(target, 'url'))) ?? '')) return true
  return [...view.entries(target).map(({ value }) => value), ...view.items(target)].some((below) =>
    hasUrl(view, below, seen),
  )
}
