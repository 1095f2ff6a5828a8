/** Text that is markup already. Only `html` makes it, so whatever else is put into a page is escaped. */
class Markup {
  constructor (text) {
    this.text = text
  }

  toString () {
    return this.text
  }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A template tag: html`<p>${name}</p>` escapes what is put in, unless that came from `html` itself. */
export function html (parts, ...values) {
  return new Markup(parts.reduce((text, part, index) => text + toMarkup(values[index - 1]) + part))
}

function toMarkup (value) {
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map(toMarkup).join('')
  if (value === undefined || value === null || value === false) return ''
  return String(value).replace(/[&<>"']/g, character => ENTITIES[character])
}
