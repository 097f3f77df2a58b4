/** Questions to WhatsApp: which numbers are there, which groups we are in. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertFollowsProtocol } from './protocol-schema.ts'
import { ALICE, BOB, OWNER, SendingStack, STRANGER } from './sending-stack.ts'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(async () => {
	const { violations } = await stack.simulator.state()
	await stack.stop()
	assert.deepEqual(violations, [])
})

async function ask(method: string, params: object = {}) {
	const question = { account: 'home', ...params }
	assertFollowsProtocol(`${method} params`, question)
	const result = await stack.engine.call(method, question)
	assertFollowsProtocol(`${method} result`, result)
	return result
}

test('numbers: who is on WhatsApp, and who is not, in one question', async () => {
	const before_ = (await stack.simulator.state()).counts.usync ?? 0
	assert.deepEqual(await ask('number.check', { phones: [ALICE, STRANGER, BOB] }), {
		numbers: [
			{ phone: ALICE, exists: true, chat: ALICE },
			{ phone: STRANGER, exists: false, chat: null },
			{ phone: BOB, exists: true, chat: BOB }
		]
	})
	assert.equal((await stack.simulator.state()).counts.usync, before_ + 1)
})

for (const addressing of ['pn', 'lid']) {
	test(`a group that people are in by ${addressing}: in the list, and with its members by number`, async () => {
		const chat = await stack.simulator.group(`Family by ${addressing}`, [ALICE, BOB], addressing)
		const { groups } = (await ask('group.list')) as unknown as {
			groups: { chat: string; subject: string; size: number }[]
		}
		const listed = groups.find(group => group.chat === chat)
		assert.deepEqual([listed?.subject, listed?.size], [`Family by ${addressing}`, 3])
		const group = (await ask('group.get', { chat })) as unknown as {
			owner: string
			members: { chat: string; role: string }[]
		}
		assert.equal(group.owner, OWNER)
		assert.deepEqual(
			group.members.map(({ chat: id, role }) => [id, role]),
			[
				[OWNER, 'owner'],
				[ALICE, 'member'],
				[BOB, 'member']
			]
		)
	})
}

test('a group that is not there, and questions without a connection', async () => {
	await assert.rejects(ask('group.get', { chat: 'group:120363999999999999' }), { code: 'group_not_found' })
	await assert.rejects(stack.engine.call('number.check', { account: 'home', phones: [] }), { code: 'invalid_params' })
	await stack.simulator.faults({ refuse_connections: true, drop: true })
	await stack.engine.state('reconnecting')
	for (const [method, params] of [
		['number.check', { phones: [ALICE] }],
		['group.list', {}],
		['group.get', { chat: 'group:1' }]
	] as const)
		await assert.rejects(ask(method, params), { code: 'not_connected' })
	await stack.simulator.clearFaults()
})
