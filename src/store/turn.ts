/** Turns of the event loop: what was looked at in one of them holds for all of its requests, which had arrived before. */

let turn = 0
let counting = false

/** Numbers the turn that is running. */
export function thisTurn(): number {
  if (!counting) {
    counting = true
    setImmediate(next)
  }
  return turn
}

function next(): void {
  counting = false
  turn++
}
