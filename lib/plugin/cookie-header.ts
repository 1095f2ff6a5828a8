/**
 * Returns the values of the cookies with this name, in the order of the header, decoded as
 * @fastify/cookie decodes them, at most so many. A browser sends several when cookies of one name
 * were set on several paths or domains; a parser that makes an object of the header keeps only the first.
 */
export function cookieValues (header: string, name: string, most: number): string[] {
  const values: string[] = []
  let at = header.indexOf(name)
  while (at !== -1 && values.length < most) {
    let next = at + name.length
    const equals = skipBlanks(header, next)
    if (header[equals] === '=' && beginsPair(header, at)) {
      const semicolon = header.indexOf(';', equals)
      next = semicolon === -1 ? header.length : semicolon
      values.push(decode(trimBlanks(header.slice(equals + 1, next))))
    }
    at = header.indexOf(name, next)
  }
  return values
}

/** Whether a cookie's name begins here: after the header's start or a semicolon, and blanks. */
function beginsPair (header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header[before])) before--
  return before < 0 || header[before] === ';'
}

function skipBlanks (header: string, from: number): number {
  let at = from
  while (isBlank(header[at])) at++
  return at
}

function trimBlanks (text: string): string {
  const start = skipBlanks(text, 0)
  let end = text.length
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank (character: string | undefined): boolean {
  return character === ' ' || character === '\t'
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
