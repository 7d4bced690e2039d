/** A promise with a handle: what a test holds back until it opens it. */

export interface Latch<T = void> {
  readonly opened: Promise<T>
  open(value: T): void
}

export function latch<T = void>(): Latch<T> {
  let open!: (value: T) => void
  const opened = new Promise<T>((resolve) => (open = resolve))
  return { opened, open }
}
