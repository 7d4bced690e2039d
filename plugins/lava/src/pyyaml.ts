/** The job as LAVA's parser sees it: YAML 1.1 as PyYAML's safe loader builds it, on top of nodes that know their positions. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Scalar,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml'

import { deepest, TOO_DEEP } from './depth.js'

/** One key of a mapping with the value that it has in the end. Aliases are still aliases, so that both positions are known. */
export interface Entry {
  readonly key: Node
  /** The key as a string; undefined where PyYAML makes something else of it. */
  readonly name: string | undefined
  readonly value: Node
}

/** What `!!` stands for. */
const core = 'tag:yaml.org,2002:'

// PyYAML's implicit resolvers (YAML 1.1): a plain scalar that matches none of them is a string.
const nullWord = /^(?:~|null|Null|NULL|)$/
const falseWord = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/
const trueWord = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/
const integer =
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/
const float =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const timestamp =
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)?$/
const zero = /^[-+]?(?:0[bx])?[0_.]*(?:[eE][-+][0-9]+)?$/

/** Quotes make a string, unless the tag `!` says to look at the text all the same. */
function isImplicit({ type, tag }: Scalar): boolean {
  return tag === '!' || (tag === undefined && (type === Scalar.PLAIN || type === undefined))
}

/** The string that PyYAML makes of a node; undefined where it makes something else. */
export function stringOf(node: Node | undefined): string | undefined {
  if (!isScalar(node)) return undefined
  const text = String(node.value)
  if (!isImplicit(node)) return node.tag === undefined || node.tag === `${core}str` ? text : undefined
  const typed = [nullWord, falseWord, trueWord, integer, float, timestamp].some((pattern) => pattern.test(text))
  return typed ? undefined : text
}

/** Python's truth of what PyYAML makes of a node: `no`, `off`, `0`, `~`, `''`, `[]` and `{}` are false, `"no"` is true. */
export function truthOf(node: Node): boolean {
  if (isMap(node) || isSeq(node)) return node.items.length > 0
  if (!isScalar(node) || node.tag === `${core}null`) return !isScalar(node)
  const text = stringOf(node)
  if (text !== undefined) return text !== ''
  const source = String(node.value)
  if (nullWord.test(source) || falseWord.test(source)) return false
  return !((integer.test(source) || float.test(source)) && zero.test(source))
}

/** One document with its anchors resolved, merge keys applied and duplicate keys decided. */
export class View {
  readonly root: Node | undefined
  /** Scalars inside `{}` or `[]`. */
  readonly flow = new Set<Scalar>()
  /** Why PyYAML would refuse the document, which the parser did not. */
  problem: { readonly node: Node; readonly message: string } | undefined
  readonly #targets = new Map<Alias, Node | undefined>()
  readonly #depths = new Map<Node, number>()
  readonly #entries = new Map<YAMLMap, readonly Entry[]>()

  constructor(document: Document) {
    this.root = document.contents ?? undefined
    this.#scan(this.root, new Map(), false)
  }

  /** What an alias stands for, or the node itself. undefined: an alias without an anchor before it. */
  resolve(node: Node | undefined): Node | undefined {
    return isAlias(node) ? this.#targets.get(node) : node
  }

  /**
   * The keys of a mapping. Merged ones stand behind the mapping's own, wherever `<<` is written; of several equal keys
   * the last wins.
   */
  entries(node: Node | undefined): readonly Entry[] {
    const map = this.resolve(node)
    if (!isMap(map)) return []
    const known = this.#entries.get(map)
    if (known !== undefined) return known
    this.#entries.set(map, [])
    const last = new Map<unknown, Entry>()
    for (const entry of this.#flatten(map)) last.set(keyOf(entry), entry)
    const entries = [...last.values()]
    this.#entries.set(map, entries)
    return entries
  }

  get(node: Node | undefined, name: string): Node | undefined {
    return this.entries(node).find((entry) => entry.name === name)?.value
  }

  items(node: Node | undefined): readonly Node[] {
    const list = this.resolve(node)
    return isSeq(list) ? (list.items as Node[]) : []
  }

  get hasAliases(): boolean {
    return this.#targets.size > 0
  }

  /**
   * In how many places of the job each scalar stands, once aliases and merge keys are followed. More than the text shows
   * where an anchor is used; Infinity inside a structure that contains itself.
   */
  occurrences(): ReadonlyMap<Node, number> {
    const order: Node[] = []
    const open = new Set<Node>()
    const done = new Set<Node>()
    const cyclic = new Set<Node>()
    const visit = (node: Node): void => {
      if (open.has(node)) cyclic.add(node)
      if (open.has(node) || done.has(node)) return
      open.add(node)
      for (const child of this.#children(node)) visit(child)
      open.delete(node)
      done.add(node)
      order.push(node)
    }
    const counts = new Map<Node, number>()
    if (this.root === undefined) return counts
    visit(this.root)
    counts.set(this.root, 1)
    for (const node of order.reverse()) {
      const times = cyclic.has(node) ? Infinity : (counts.get(node) ?? 0)
      for (const child of this.#children(node)) counts.set(child, (counts.get(child) ?? 0) + times)
    }
    return counts
  }

  #children(node: Node): Node[] {
    const raw = isMap(node) ? this.entries(node).flatMap(({ key, value }) => [key, value]) : this.items(node)
    return raw.map((child) => this.resolve(child)).filter((child) => child !== undefined)
  }

  #flatten(map: YAMLMap): Entry[] {
    const merged: Entry[] = []
    const own: Entry[] = []
    for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
      if (value === null) continue
      if (isScalar(key) && isMergeKey(key)) {
        const from = this.resolve(value)
        // PyYAML: of several mappings in one merge the first wins, of several merges the last.
        const sources = isSeq(from) ? [...this.items(from)].reverse() : [value]
        merged.push(...sources.flatMap((source) => this.entries(source)))
      } else {
        own.push({ key, name: stringOf(this.resolve(key)), value })
      }
    }
    return [...merged, ...own]
  }

  /**
   * Follows the text, so that an alias finds the nearest anchor of its name before it.
   * @returns how deep the node is nested once its aliases are followed
   */
  #scan(node: Node | null | undefined, anchors: Map<string, Node>, inFlow: boolean): number {
    if (isAlias(node)) return this.#scanAlias(node, anchors.get(node.source))
    if (node?.anchor !== undefined) anchors.set(node.anchor, node)
    let depth = 1
    if (isScalar(node)) {
      if (inFlow) this.flow.add(node)
    } else if (isMap(node) || isSeq(node)) {
      const flow = inFlow || node.flow === true
      const children = isSeq(node)
        ? (node.items as (Node | null)[])
        : (node.items as Pair<Node, Node | null>[]).flatMap(({ key, value }) => [key, value])
      for (const child of children) depth = Math.max(depth, this.#scan(child, anchors, flow) + 1)
      if (depth > deepest) this.problem ??= { node, message: TOO_DEEP }
    }
    if (node?.anchor !== undefined) this.#depths.set(node, depth)
    return depth
  }

  #scanAlias(alias: Alias, target: Node | undefined): number {
    this.#targets.set(alias, target)
    if (target === undefined)
      this.problem ??= { node: alias, message: `there is no anchor &${alias.source} before this` }
    return target === undefined ? 1 : (this.#depths.get(target) ?? 1)
  }
}

function isMergeKey(key: Scalar): boolean {
  return key.tag === `${core}merge` || (key.value === '<<' && isImplicit(key))
}

function keyOf(entry: Entry): unknown {
  if (entry.name !== undefined) return entry.name
  return isScalar(entry.key) ? `not a string: ${String(entry.key.value)}` : entry.key
}
