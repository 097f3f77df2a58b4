/** What waited at the server comes before what comes in now, and nothing waits for ever. */

import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import { ArrivalOrder } from '../../bridge-addon/engine/src/arrival-order.ts'

let passed: string[]
let order: ArrivalOrder

type Message = Parameters<ArrivalOrder['take']>[0][number]

const message = (id: string): Message => ({ key: { id } })
const stanza = (id: string, offline: boolean) =>
	order.arrived({ tag: 'message', attrs: offline ? { id, offline: '1' } : { id } })

beforeEach(() => {
	passed = []
	order = new ArrivalOrder(messages => passed.push(...messages.map(({ key }) => key.id ?? '')))
})

test('without a backlog messages pass at once', () => {
	stanza('a', false)
	order.take([message('a')])
	assert.deepEqual(passed, ['a'])
})

test('a new message waits for the backlog before it', () => {
	for (const id of ['a', 'b']) stanza(id, true)
	stanza('new', false)
	order.take([message('new')])
	assert.deepEqual(passed, [])
	order.take([message('a')])
	order.take([message('b')])
	assert.deepEqual(passed, ['a', 'b', 'new'])
})

test('what gives no message holds nothing up for long', () => {
	mock.timers.enable({ apis: ['setTimeout'] })
	stanza('repetition', true)
	order.take([message('new')])
	mock.timers.tick(2_000)
	assert.deepEqual(passed, ['new'])
	mock.timers.reset()
})

test('what is held when the connection ends is left to the next one', () => {
	mock.timers.enable({ apis: ['setTimeout'] })
	stanza('a', true)
	order.take([message('new')])
	order.end()
	mock.timers.tick(10_000)
	assert.deepEqual(passed, [])
	mock.timers.reset()
})
