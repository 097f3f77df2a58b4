/** Calls to the account: told as they ring and end, and rejected. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ALICE, BOB, SendingStack } from './sending-stack.ts'
import { eventually } from './eventually.ts'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(async () => {
	const { violations, unanswered } = await stack.simulator.state()
	await stack.stop()
	assert.deepEqual(violations, [])
	assert.deepEqual(unanswered, [])
})

const ring = async (options: object = {}) =>
	(await stack.simulator.call<{ call_id: string }>('POST', `/contacts/${ALICE}/call`, options)).call_id
const end = (id: string, how: string) => stack.simulator.call('POST', `/calls/${id}/end`, { how })
const told = (id: string, status: string) =>
	stack.engine.next('call.changed', one => one.call_id === id && one.status === status)
const history = (id: string) =>
	stack.engine
		.told('call.changed')
		.filter(({ call_id }) => call_id === id)
		.map(({ status }) => status)

for (const addressing of ['pn', 'lid']) {
	test(`a call by ${addressing} rings, by number, with or without a picture`, async () => {
		for (const video of [false, true]) {
			const id = await ring({ addressing, video })
			const { person, chat, video: seen, backlog } = await told(id, 'ringing')
			assert.deepEqual([person, chat, seen, backlog], [ALICE, ALICE, video, false])
		}
	})

	test(`a call in a group by ${addressing}`, async () => {
		const group = await stack.simulator.group(`Calls by ${addressing}`, [ALICE, BOB], addressing)
		const { person, chat } = await told(await ring({ group }), 'ringing')
		assert.deepEqual([person, chat], [ALICE, group])
	})

	test(`a call by ${addressing} is rejected, once`, async () => {
		const id = await ring({ addressing })
		await told(id, 'ringing')
		await stack.engine.call('call.reject', { account: 'home', call_id: id })
		await told(id, 'rejected')
		await eventually(
			async () => (await stack.simulator.call<{ state: string }>('GET', `/calls/${id}`)).state === 'rejected'
		)
		await assert.rejects(stack.engine.call('call.reject', { account: 'home', call_id: id }), { code: 'call_not_known' })
	})
}

for (const [how, status] of [
	['hang-up', 'missed'],
	['timeout', 'missed'],
	['accepted', 'accepted'],
	['rejected', 'rejected']
] as const) {
	test(`a call that ends by ${how} is ${status}`, async () => {
		const id = await ring()
		await end(id, how)
		await told(id, status)
		assert.deepEqual(history(id), ['ringing', status])
	})
}

test('a call that was answered on the phone ends', async () => {
	const id = await ring()
	await end(id, 'accepted')
	await end(id, 'hang-up')
	await told(id, 'ended')
	assert.deepEqual(history(id), ['ringing', 'accepted', 'ended'])
})

test('a call that came while we were away is told as missed, once, also after the engine was killed', async () => {
	await stack.simulator.faults({ refuse_connections: true, drop: true })
	await stack.engine.state('reconnecting')
	const id = await ring()
	await end(id, 'timeout')
	const { mark } = stack.engine
	await stack.simulator.clearFaults()
	await stack.engine.state('connected', mark)
	assert.equal((await told(id, 'missed')).backlog, true)
	await stack.restartEngine()
	await told(id, 'missed')
	assert.deepEqual(history(id), ['ringing', 'missed'])
	await assert.rejects(stack.engine.call('call.reject', { account: 'home', call_id: id }), { code: 'call_not_known' })
})
