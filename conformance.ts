/** The suite that every session store must pass, for stores of your own. Nothing here needs Fastify. */

export { conformance } from './lib/conformance/conformance'
export type { ConformanceOptions, ConformanceReport, StoreSetup } from './lib/conformance/options'
