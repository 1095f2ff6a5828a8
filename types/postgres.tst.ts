import { PGlite } from '@electric-sql/pglite'
import { Client, Pool } from 'pg'
import { expect, test } from 'tstyche'
import { PostgresSessionStore, type PostgresClient } from '../postgres'

test('clients of several packages will do', () => {
  expect(new Pool()).type.toBeAssignableTo<PostgresClient>()
  expect(new Client()).type.toBeAssignableTo<PostgresClient>()
  expect(new PGlite()).type.toBeAssignableTo<PostgresClient>()
  expect({ query: async (_text: string, _values: unknown[]) => ({ rows: [{ one: 1 }] }) }).type.toBeAssignableTo<PostgresClient>()
  expect({ query: async (_text: string) => [] }).type.not.toBeAssignableTo<PostgresClient>()
})

test('a store needs a pool', () => {
  expect(new PostgresSessionStore({ pool: new Pool() })).type.toBe<PostgresSessionStore>()
  expect(PostgresSessionStore).type.not.toBeConstructableWith({})
})
