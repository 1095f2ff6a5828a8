export { isPlainObject, type PlainObject } from './merge'
