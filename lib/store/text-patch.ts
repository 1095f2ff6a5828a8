/** What became of a text: a part in the middle was replaced. Lengths are in UTF-16 code units. */
export interface TextPatch {
  /** So much of the old text stands before the part that changed, and so much behind it. */
  readonly prefix: number
  readonly suffix: number
  /** What stands between them now. */
  readonly middle: string
}

/** Texts are compared in blocks of so many code units, at the speed of memory, and in halves of those where they differ. */
const LARGEST_BLOCK = 4096
/** Code units that are compared one by one. */
const SMALLEST_BLOCK = 16

/**
 * Returns what changed from one text to the next. It knows nothing of their format: where much lies
 * between the first and the last change, the middle is long. No character is cut in two.
 */
export function patchBetween (before: string, after: string): TextPatch {
  const most = Math.min(before.length, after.length)
  const prefix = sameStart(before, after)
  let suffix = commonSuffix(before, after, most - prefix)
  if (isSecondHalf(after, after.length - suffix)) suffix--
  return { prefix, suffix, middle: after.slice(prefix, after.length - suffix) }
}

/** Returns how many code units two texts have in common from their start on. No character is cut in two. */
export function sameStart (before: string, after: string): number {
  const length = commonPrefix(before, after, Math.min(before.length, after.length))
  return isFirstHalf(after, length - 1) ? length - 1 : length
}

/** Whether a text of this length can be patched so. */
export function fits (length: number, { prefix, suffix }: TextPatch): boolean {
  return prefix + suffix <= length
}

/** Returns the text that the old one became. */
export function patched (before: string, { prefix, suffix, middle }: TextPatch): string {
  return before.slice(0, prefix) + middle + before.slice(before.length - suffix)
}

function commonPrefix (one: string, other: string, most: number): number {
  let length = 0
  for (let block = LARGEST_BLOCK; block >= SMALLEST_BLOCK; block /= 2) {
    while (length + block <= most && one.slice(length, length + block) === other.slice(length, length + block)) length += block
  }
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length++
  return length
}

function commonSuffix (one: string, other: string, most: number): number {
  const [end, otherEnd] = [one.length, other.length]
  let length = 0
  for (let block = LARGEST_BLOCK; block >= SMALLEST_BLOCK; block /= 2) {
    while (length + block <= most &&
      one.slice(end - length - block, end - length) === other.slice(otherEnd - length - block, otherEnd - length)) length += block
  }
  while (length < most && one.charCodeAt(end - length - 1) === other.charCodeAt(otherEnd - length - 1)) length++
  return length
}

/** Half a character of two code units is not written as it is: UTF-8 has no bytes for it. */
function isFirstHalf (text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800
}

function isSecondHalf (text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00
}
