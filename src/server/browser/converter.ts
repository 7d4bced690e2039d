/** The form that converts a URL to its kiss URL while the user types, without a request. */

export function offerConverting(): void {
  const form = document.querySelector<HTMLFormElement>('[data-converter]')
  const input = form?.querySelector<HTMLInputElement>('#url')
  const output = form?.querySelector<HTMLInputElement>('#kiss-url')
  const hint = form?.querySelector<HTMLElement>('#url-hint')
  const result = form?.querySelector<HTMLElement>('.result')
  if (!form || !input || !output || !hint || !result) return
  const base = form.dataset['converter'] ?? ''

  const convert = (final: boolean): void => {
    const text = input.value.trim()
    const valid = /^[a-z][a-z0-9+.-]*:\/\/[^\s/]/i.test(text) && URL.canParse(text)
    const wrong = final && text !== '' && !valid
    result.hidden = !valid
    output.value = valid ? `${base}api/v1/fetch?url=${encodeURIComponent(text)}` : ''
    hint.textContent = wrong ? 'That is no absolute URL: one begins with https://, http:// or s3://' : ''
    if (wrong) input.setAttribute('aria-invalid', 'true')
    else input.removeAttribute('aria-invalid')
  }
  input.addEventListener('input', () => convert(false))
  input.addEventListener('change', () => convert(true))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    convert(true)
    if (!result.hidden) output.select()
  })
}
