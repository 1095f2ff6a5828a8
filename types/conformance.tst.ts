import { test as nodeTest } from 'node:test'
import { expect, test } from 'tstyche'
import { conformance, torture, type ConformanceReport, type TortureReport } from '../conformance'
import { BaseRecordStore, SessionFileStore } from '../index'

declare const vitest: (name: string, run?: () => void | Promise<void>) => void

test('conformance takes the test of any runner, and any store', () => {
  const makeStore = (): SessionFileStore => new SessionFileStore()
  expect(conformance({ test: nodeTest, makeStore, features: { records: true } })).type.toBe<ConformanceReport>()
  expect(conformance).type.toBeCallableWith({ test: vitest, makeStore, features: {} })
  expect(conformance).type.not.toBeCallableWith({ test: nodeTest, makeStore, features: { fast: true } })
  expect(conformance).type.not.toBeCallableWith({ test: nodeTest, makeStore: () => ({}), features: {} })
})

test('torture takes a module', () => {
  expect(torture({ store: new URL('file:///store.mjs') })).type.toBe<Promise<TortureReport>>()
})

test('a store of one\'s own has verbs to write', () => {
  // @ts-expect-error is missing implementations for the following members
  class Empty extends BaseRecordStore {}
  expect<Empty>().type.toBeAssignableTo<BaseRecordStore>()
})
