/** Makes one element of a page equal to another and changes only the differences: focus, selection and progress bars stay. */

/** @param text HTML that the server has made and escaped. It is parsed outside of the page, so no script in it runs */
export function show(target: Element, text: string): void {
  morph(target, new DOMParser().parseFromString(text, 'text/html').body)
}

function morph(target: Element, source: Element): void {
  const wanted = [...source.childNodes]
  wanted.forEach((node, i) => {
    const present = target.childNodes[i]
    if (present === undefined) target.append(node.cloneNode(true))
    else if (!adjust(present, node)) present.replaceWith(node.cloneNode(true))
  })
  while (target.childNodes.length > wanted.length) target.lastChild?.remove()
}

/** False if one element cannot be changed to the other. */
function adjust(present: Node, wanted: Node): boolean {
  if (present instanceof Element && wanted instanceof Element) {
    if (present.tagName !== wanted.tagName) return false
    adjustAttributes(present, wanted)
    morph(present, wanted)
    return true
  }
  if (present.nodeType !== wanted.nodeType) return false
  if (present.nodeValue !== wanted.nodeValue) present.nodeValue = wanted.nodeValue
  return true
}

/** An element that the user opened stays open. */
function adjustAttributes(present: Element, wanted: Element): void {
  for (const { name } of [...present.attributes])
    if (!wanted.hasAttribute(name) && name !== 'open') present.removeAttribute(name)
  for (const { name, value } of wanted.attributes) {
    if (present.getAttribute(name) !== value) present.setAttribute(name, value)
  }
}
