/** What an element may be given when it is made. Text becomes text nodes: nothing that comes from the broker is ever read as HTML. */
interface ElementTerms {
  readonly className?: string
  readonly title?: string
  readonly click?: () => void
  readonly attributes?: { readonly [name: string]: string }
}

/** Makes an element. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  terms: ElementTerms = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  const { className, title, click, attributes = {} } = terms
  if (className !== undefined) made.className = className
  if (title !== undefined) made.title = title
  if (click !== undefined) made.addEventListener('click', click)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...children)
  return made
}

/** A button that submits nothing. */
export function button(text: string, click: () => void, className = ''): HTMLButtonElement {
  return element('button', { className, click, attributes: { type: 'button' } }, text)
}

/** Sets text that differs: an unchanged node is not touched, so that a selection in it stays. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

/** The element of the page with this id. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no element ${id}`)
  return found as Type
}
