/** Returns the JavaScript of a text that is, or might be, the file at this path. */
export function compiled (path: string, source: string): string
