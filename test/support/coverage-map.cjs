'use strict'
/**
 * tap measures the coverage of `lib` in every process of a test file, which takes its time. These folders are
 * about the package as a whole, about models of it, or about the benchmark. The searches of indexes are also what covers answers that come too late.
 * All that `npm test` runs of `lib` must still be covered, every line of it.
 */
const UNMEASURED = /^test\/(bench|docs|ecosystem|protocol)\/(?!indexes)|^test\/(house|tiers)\.test\.ts$/

module.exports = file => UNMEASURED.test(file) ? null : []
