const EQUALS = '='.charCodeAt(0)
const SEMICOLON = ';'.charCodeAt(0)
const SPACE = ' '.charCodeAt(0)
const TAB = '\t'.charCodeAt(0)

/**
 * Returns the values of the cookies with this name, in the order of the header, decoded as
 * `@fastify/cookie` decodes them, at most so many. A browser sends several when cookies of one name
 * were set on several paths or domains; a parser that makes an object of the header keeps only the first.
 */
export function cookieValues (header: string, name: string, most: number): string[] {
  const values: string[] = []
  let at = header.indexOf(name)
  while (at !== -1 && values.length < most) {
    let next = at + name.length
    const equals = skipBlanks(header, next)
    if (header.charCodeAt(equals) === EQUALS && beginsPair(header, at)) {
      next = header.indexOf(';', equals)
      if (next === -1) next = header.length
      values.push(decode(trimmed(header, equals + 1, next)))
    }
    at = header.indexOf(name, next)
  }
  return values
}

/** Whether a cookie's name begins here: after the header's start or a semicolon, and blanks. */
function beginsPair (header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header, before)) before--
  return before < 0 || header.charCodeAt(before) === SEMICOLON
}

function skipBlanks (header: string, from: number): number {
  let at = from
  while (isBlank(header, at)) at++
  return at
}

/** Returns this part of the header without the blanks around it. */
function trimmed (header: string, from: number, end: number): string {
  let last = end
  while (last > from && isBlank(header, last - 1)) last--
  return header.slice(Math.min(skipBlanks(header, from), last), last)
}

function isBlank (header: string, at: number): boolean {
  const code = header.charCodeAt(at)
  return code === SPACE || code === TAB
}

/** Returns a value as it is when it is not percent-encoded text. */
function decode (value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
