import { check } from '../option-checks'

/** How session data becomes text and back. `decode(encode(data))` must equal `data`. */
export interface SessionCodec {
  encode: (data: Record<string, unknown>) => string
  /** May throw: the session is then set aside, and the visitor gets a new one. */
  decode: (text: string) => Record<string, unknown>
}

export const JSON_CODEC: SessionCodec = {
  encode: data => JSON.stringify(data),
  decode: text => JSON.parse(text) as Record<string, unknown>
}

/** @throws {SessionError} */
export function checkCodec (codec: SessionCodec): void {
  check(typeof codec?.encode === 'function' && typeof codec.decode === 'function', 'codec',
    'must have the functions encode and decode')
}
