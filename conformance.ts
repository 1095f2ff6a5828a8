/** The suite that every session store must pass, for stores of your own. Nothing here needs Fastify. */

export { conformance } from './lib/conformance/conformance'
export type { ConformanceOptions, ConformanceReport, StoreSetup } from './lib/conformance/options'
export { torture } from './lib/conformance/torture'
export type { TortureOptions } from './lib/conformance/torture'
export type { TortureModule } from './lib/conformance/torture-module'
export type { TortureReport } from './lib/conformance/torture-judge'
