/** Messages come out in the order in which they came in, and nothing waits for ever. */

import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Intake } from '../../bridge-addon/engine/src/intake.ts'

type Handled = Parameters<ConstructorParameters<typeof Intake>[1]>[0]

let handled: Handled[]
let finish: (() => void)[]
let nothing: string[]
let deaf: number
let late: Set<string>

const stanza = (id: string, offline = false): Handled => ({
	tag: 'message',
	attrs: { id, ...(offline ? { offline: '1' } : {}) }
})
const intake = (...earlier: string[]) =>
	new Intake(
		earlier.map(id => async () => stanza(id)),
		async one => {
			handled.push(one)
			await new Promise<void>(resolve => finish.push(resolve))
		},
		id => nothing.push(id),
		() => deaf++,
		late
	)
const ids = () => handled.map(({ attrs }) => attrs.id)

beforeEach(() => {
	handled = []
	finish = []
	nothing = []
	deaf = 0
	late = new Set()
})

test('one after the other, also where the newer one waited at the server and the older one did not', async () => {
	const taking = intake()
	for (const [id, offline] of [
		['a', false],
		['b', true],
		['c', false]
	] as const)
		taking.arrived(stanza(id, offline))
	await turn()
	assert.deepEqual(ids(), ['a'])
	for (const expected of [
		['a', 'b'],
		['a', 'b', 'c']
	]) {
		finish.at(-1)?.()
		await turn()
		assert.deepEqual(ids(), expected)
	}
	assert.ok(
		handled.every(({ attrs }) => attrs.offline === undefined),
		'Baileys would put a marked one off'
	)
})

test('what an earlier connection left comes before what comes in now', async () => {
	const taking = intake('left', 'left too')
	taking.arrived(stanza('new'))
	for (let done = 0; done < 3; done++) {
		await turn()
		finish.at(-1)?.()
	}
	assert.deepEqual(ids(), ['left', 'left too', 'new'])
})

test('a stanza that held no message of its id is done with, one that did is left to who tells it', async () => {
	const taking = intake()
	taking.arrived(stanza('repetition'))
	taking.arrived(stanza('message'))
	await turn()
	taking.tell('another')
	finish.at(-1)?.()
	await turn()
	taking.tell('message')
	finish.at(-1)?.()
	await turn()
	assert.deepEqual(nothing, ['repetition'])
})

test('one that takes for ever holds nothing up for long, and is not done with', async () => {
	mock.timers.enable({ apis: ['setTimeout'] })
	const taking = intake()
	taking.arrived(stanza('history'))
	taking.arrived(stanza('message'))
	await turn()
	mock.timers.tick(10_000)
	await turn()
	assert.deepEqual(ids(), ['history', 'message'])
	assert.deepEqual(nothing, [])
	mock.timers.reset()
})

test('what was not handled when the connection ends is left to the next one', async () => {
	const taking = intake('left')
	taking.begin()
	taking.arrived(stanza('new'))
	await turn()
	taking.end()
	finish.at(-1)?.()
	await turn()
	assert.deepEqual([ids(), nothing], [['left'], []])
})

test('one that takes for ever holds nobody up for long; two in a row, and the connection is given up as deaf', async () => {
	mock.timers.enable({ apis: ['setTimeout'] })
	try {
		const taking = intake()
		for (const id of ['stuck', 'fine', 'stuck too', 'and this']) taking.arrived(stanza(id))
		const pass = async () => {
			await turn()
			mock.timers.tick(10_000)
			await turn()
		}
		await pass()
		assert.deepEqual([ids(), deaf], [['stuck', 'fine'], 0])
		finish.at(-1)?.()
		await pass()
		assert.deepEqual([ids().at(-1), deaf], ['and this', 0])
		await pass()
		assert.deepEqual([deaf, [...late]], [1, ['stuck', 'stuck too', 'and this']])
	} finally {
		mock.timers.reset()
	}
})

test('what took too long on an earlier connection comes behind the others on the next, once', async () => {
	late.add('stuck')
	const taking = intake('stuck', 'left')
	taking.begin()
	for (const expected of [['left'], ['left', 'stuck']]) {
		await turn()
		assert.deepEqual(ids(), expected)
		finish.at(-1)?.()
	}
	await turn()
	assert.deepEqual([...late], [])
})
