import * as caches from 'lru-cache'

const { LRUCache } = caches

/**
 * A search makes a store for each step of each process, and a cache with room for thousands costs
 * more than all that the store then does.
 */
class SmallCache extends LRUCache<string, string> {
  constructor (options: { max?: number }) {
    super((options.max === undefined ? options : { ...options, max: 8 }) as { max: number })
  }
}

Object.defineProperty(caches, 'LRUCache', { value: SmallCache })
