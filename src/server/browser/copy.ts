/** Buttons that copy the text of another element. */

/** Milliseconds for which a button shows its result. */
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

/** Pages over plain http have no clipboard API. The text is selected, and copied by the deprecated command or by the user. */
async function copy(element: HTMLElement | null): Promise<boolean> {
  if (element === null) return false
  const text = element instanceof HTMLInputElement ? element.value : element.innerText
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // The clipboard is forbidden or missing.
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

/** Deprecated, but the only way without a clipboard API. */
function copySelected(): boolean {
  return (document as unknown as { execCommand: (name: string) => boolean }).execCommand('copy')
}
