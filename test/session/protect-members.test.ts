import t from 'tap'
import { protectMembers } from '../../lib/session/protect-members'

function begin () {
  class Person {
    get name (): string { return 'ada' }

    greet (): string { return `I am ${this.name}` }
  }
  const constructor = Person
  const names = protectMembers(Person.prototype)
  return { names, make: () => new constructor() as Person & Record<string, unknown>, prototype: Person.prototype as Person & Record<string, unknown> }
}

t.test('members work, and are told', t => {
  const { names, make } = begin()
  t.strictSame([...names].sort(), ['greet', 'name'])
  t.equal(make().greet(), 'I am ada')
  t.end()
})

t.test('a member cannot be assigned to, and the error says what to do', t => {
  const { make } = begin()
  for (const name of ['greet', 'name']) {
    const person = make()
    const { message } = t.throws(() => { person[name] = 1 }, { code: 'SESSION_NAME_TAKEN' }) as Error
    t.equal(message, `session.${name} is a member of the session: choose another name, or use session.set('${name}', …)`)
    t.notOk(Object.hasOwn(person, name))
  }
  t.end()
})

t.test('names that every object has become data', t => {
  const { make, prototype } = begin()
  const [person, other] = [make(), make()]
  t.notOk(Object.hasOwn(prototype, 'constructor'))
  for (const name of ['constructor', '__proto__', 'toString']) {
    person[name] = { evil: true }
    t.ok(Object.hasOwn(person, name), name)
    t.notOk(Object.hasOwn(other, name))
  }
  t.equal(Object.getPrototypeOf(person), prototype)
  t.equal(Reflect.get(other, '__proto__'), prototype)
  t.equal(other['evil'], undefined)
  t.end()
})

t.test('the class cannot be changed through an object', t => {
  const { make, prototype } = begin()
  t.ok(Object.isFrozen(prototype))
  t.throws(() => { (Reflect.get(make(), '__proto__') as Record<string, unknown>)['added'] = 1 }, TypeError)
  t.end()
})
