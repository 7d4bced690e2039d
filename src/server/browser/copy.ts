/** Buttons that copy what stands in another element. */

/** Milliseconds that a button says what it did. */
const SAID = 2_000

export function offerCopying(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    button.hidden = false
    const name = button.textContent
    button.addEventListener('click', () => {
      void copy(document.getElementById(button.dataset['copy'] ?? '')).then((done) => {
        button.textContent = done ? 'Copied' : 'Press Ctrl+C'
        setTimeout(() => (button.textContent = name), SAID)
      })
    })
  }
}

/** Plain http has no clipboard: there the text is selected and copied the old way, or by the user. */
async function copy(element: HTMLElement | null): Promise<boolean> {
  if (element === null) return false
  const text = element instanceof HTMLInputElement ? element.value : element.innerText
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Not allowed, or not there.
    select(element)
    return copySelected()
  }
}

function select(element: HTMLElement): void {
  if (element instanceof HTMLInputElement) {
    element.select()
    return
  }
  getSelection()?.selectAllChildren(element)
}

/** Deprecated, and the only way where there is no clipboard. */
function copySelected(): boolean {
  return (document as unknown as { execCommand: (name: string) => boolean }).execCommand('copy')
}
