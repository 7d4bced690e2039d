/** KissCache's `?order=` of its lists: the name of a field; with `-` before it the order is descending. Pure. */

export interface KissCacheOrder {
  readonly field: string
  readonly descending: boolean
}

export function kissCacheOrder(query: URLSearchParams): KissCacheOrder {
  const text = query.get('order') ?? ''
  return text.startsWith('-') ? { field: text.slice(1), descending: true } : { field: text, descending: false }
}

/** Compares the rows of a list by a field of KissCache, ascending. */
export type Comparisons<Row> = Readonly<Record<string, (row: Row) => number | string>>

/** undefined if the list has no such field. */
export function inKissCacheOrder<Row>(
  rows: readonly Row[],
  { field, descending }: KissCacheOrder,
  comparisons: Comparisons<Row>,
): Row[] | undefined {
  const valueOf = Object.hasOwn(comparisons, field) ? comparisons[field] : undefined
  if (valueOf === undefined) return undefined
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => {
    const [left, right] = [valueOf(a), valueOf(b)]
    return left === right ? 0 : left < right ? -sign : sign
  })
}
