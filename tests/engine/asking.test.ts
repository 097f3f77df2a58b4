/** Questions to WhatsApp: which numbers are there, which groups we are in. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { eventually } from './eventually.ts'
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

test('whom the link knows: who wrote, by number and by LID, and to whom it wrote', async () => {
	await stack.simulator.write(ALICE, { text: 'hello', addressing: 'lid' })
	await stack.send(BOB, { type: 'text', text: 'hello' })
	await stack.engine.next('message.received')
	const { contacts } = (await ask('contact.list')) as unknown as { contacts: { chat: string }[] }
	assert.deepEqual(
		contacts.find(({ chat }) => chat === ALICE),
		{ chat: ALICE, phone: ALICE, lid: stack.aliceLid, name: null, push_name: `Name of ${ALICE}` }
	)
	assert.ok(contacts.some(({ chat }) => chat === BOB))
	assert.equal(
		contacts.find(({ chat }) => chat === OWNER),
		undefined
	)
})

for (const [where, addressing, inGroup] of [
	['by number', 'pn', false],
	['by LID', 'lid', false],
	['in a group by number', 'pn', true],
	['in a group by LID', 'lid', true]
] as const) {
	test(`${where}: what came in is marked as read, where it came from`, async () => {
		const group = inGroup ? await stack.simulator.group(`Read ${where}`, [ALICE, BOB], addressing) : undefined
		const ids: string[] = []
		for (const text of ['one', 'two'])
			ids.push((await stack.simulator.write(ALICE, { text, addressing, group })).message_id)
		for (const id of ids) await stack.engine.next('message.received', ({ message_id }) => message_id === id)
		const messages = ids.map(message_id => ({ message_id, author: ALICE }))
		await ask('message.mark_read', { chat: group ?? ALICE, messages })
		for (const id of ids) await eventually(async () => (await stack.simulator.read(id)) === 'read')
	})

	test(`${where}: others see that we type, and stop`, async () => {
		const group = inGroup ? await stack.simulator.group(`Typing ${where}`, [ALICE, BOB], addressing) : undefined
		const chat = group ?? (addressing === 'lid' ? `lid:${stack.aliceLid}` : ALICE)
		for (const presence of ['typing', 'recording'] as const) {
			await ask('presence.send', { chat, presence })
			await eventually(async () => (await stack.simulator.sees(ALICE)).typing[group ?? ALICE] === presence)
		}
		await ask('presence.send', { chat, presence: 'paused' })
		await eventually(async () => (await stack.simulator.sees(ALICE)).presence === 'unavailable')
		assert.deepEqual((await stack.simulator.sees(ALICE)).typing, {})
	})
}

test('the picture of a person and of a group, in a file', async () => {
	const group = await stack.simulator.group('With a picture', [ALICE])
	for (const [index, chat] of [ALICE, `lid:${stack.aliceLid}`, group].entries()) {
		const picture = Buffer.from(`a picture of ${chat === group ? 'a group' : 'Alice'}`)
		await stack.simulator.picture(chat === group ? group : ALICE, picture)
		for (const preview of [true, false]) {
			const path = stack.path(`picture-${index}-${preview}`)
			const { size, picture_id } = await ask('picture.download', { chat, path, preview })
			assert.deepEqual([size, readFileSync(path)], [picture.length, picture])
			assert.equal(picture_id, createHash('sha256').update(picture).digest('hex'))
		}
	}
})

test('a picture that is not there, or hidden from us', async () => {
	const ask_ = () => ask('picture.download', { chat: BOB, path: stack.path('none') })
	await assert.rejects(ask_(), { code: 'picture_not_available' })
	await stack.simulator.picture(BOB, Buffer.from('hidden'), true)
	await assert.rejects(ask_(), { code: 'picture_not_available' })
	assert.equal(existsSync(stack.path('none')), false)
	await assert.rejects(ask('picture.download', { chat: STRANGER, path: stack.path('none') }), {
		code: 'recipient_not_on_whatsapp'
	})
})

test('a group that is not there, and questions without a connection', async () => {
	await assert.rejects(ask('group.get', { chat: 'group:120363999999999999' }), { code: 'group_not_found' })
	await assert.rejects(stack.engine.call('number.check', { account: 'home', phones: [] }), { code: 'invalid_params' })
	await stack.simulator.faults({ refuse_connections: true, drop: true })
	await stack.engine.state('reconnecting')
	for (const [method, params] of [
		['number.check', { phones: [ALICE] }],
		['group.list', {}],
		['group.get', { chat: 'group:1' }],
		['message.mark_read', { chat: ALICE, messages: [{ message_id: 'A', author: ALICE }] }],
		['presence.send', { chat: ALICE, presence: 'typing' }],
		['presence.subscribe', { chat: ALICE }],
		['picture.download', { chat: ALICE, path: stack.path('none') }]
	] as const)
		await assert.rejects(ask(method, params), { code: 'not_connected' })
	assert.ok(((await ask('contact.list')).contacts as unknown[]).length, 'people are known without it')
	await stack.simulator.clearFaults()
})
