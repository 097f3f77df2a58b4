/** Groups are made, changed and left from here, and what others do to them is told. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertFollowsProtocol } from './protocol-schema.ts'
import { ALICE, BOB, OWNER, SendingStack, STRANGER } from './sending-stack.ts'

const CAROL = '+15551230003'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
	await stack.simulator.contact(CAROL)
})
after(async () => {
	const { violations, unanswered } = await stack.simulator.state()
	await stack.stop()
	assert.deepEqual(violations, [])
	assert.deepEqual(unanswered, [])
})

async function ask(method: string, params: object = {}) {
	const question = { account: 'home', ...params }
	assertFollowsProtocol(`${method} params`, question)
	return stack.engine.call(method, question)
}

/** What was told of a group's change; each is told once. */
async function told(chat: string, change: string) {
	const { delivery, message_id, timestamp, ...rest } = await stack.engine.next(
		'group.changed',
		one => one.chat === chat && one.change === change
	)
	assert.ok(delivery && message_id && timestamp)
	const same = stack.engine.told('group.changed').filter(one => one.chat === chat && one.change === change)
	assert.equal(same.length, 1)
	return rest
}
const all = { account: 'home', backlog: false }

test('a group is made; who refuses to be added is not in it', async () => {
	await stack.simulator.call('POST', `/contacts/${CAROL}/behaviour`, { groups: 'refused' })
	const group = await ask('group.create', { subject: 'New', members: [ALICE, BOB, CAROL] })
	const chat = String(group.chat)
	assert.deepEqual(
		(group.members as { chat: string; role: string }[]).map(({ chat: id, role }) => [id, role]),
		[
			[OWNER, 'owner'],
			[ALICE, 'member'],
			[BOB, 'member']
		]
	)
	assert.deepEqual([group.subject, group.owner, group.size], ['New', OWNER, 3])
	assert.deepEqual(await told(chat, 'created'), {
		...all,
		chat,
		actor: OWNER,
		change: 'created',
		members: [OWNER, ALICE, BOB],
		value: 'New'
	})
	await stack.arrives(chat, { type: 'text', text: 'hello' }, { kind: 'text', text: 'hello', preview: null })
	await stack.simulator.call('POST', `/contacts/${CAROL}/behaviour`, { groups: 'ok' })
})

test('a group of somebody who is not on WhatsApp is not made', async () => {
	await assert.rejects(ask('group.create', { subject: 'No', members: [ALICE, STRANGER] }), {
		code: 'recipient_not_on_whatsapp'
	})
})

for (const addressing of ['pn', 'lid']) {
	test(`by ${addressing}: subject, description and who may do what`, async () => {
		const chat = await stack.simulator.group('Old', [ALICE, BOB], addressing)
		for (const [update, change, value] of [
			[{ subject: 'New ü' }, 'subject', 'New ü'],
			[{ description: 'What it is about' }, 'description', 'What it is about'],
			[{ announce: true }, 'announce', 'on'],
			[{ locked: true }, 'locked', 'on']
		] as const) {
			await ask('group.update', { chat, ...update })
			assert.deepEqual(await told(chat, change), { ...all, chat, actor: OWNER, change, members: [], value })
		}
		const { subject, description, announce, locked } = await stack.simulator.lookAtGroup(chat)
		assert.deepEqual([subject, description, announce, locked], ['New ü', 'What it is about', true, true])
		const { subject: seen, description: about, announce: only, locked: closed } = await ask('group.get', { chat })
		assert.deepEqual([seen, about, only, closed], ['New ü', 'What it is about', true, true])
		await ask('group.update', { chat, description: '' })
		await ask('group.update', { chat, announce: false })
		await ask('group.update', { chat, locked: false })
		const after_ = await stack.simulator.lookAtGroup(chat)
		assert.deepEqual([after_.description, after_.announce, after_.locked], [null, false, false])
	})

	test(`by ${addressing}: people are added, promoted, demoted and removed`, async () => {
		const chat = await stack.simulator.group('Members', [ALICE], addressing)
		const members = (action: string, ...people: string[]) => ask('group.members', { chat, action, members: people })
		assert.deepEqual(await members('add', BOB, STRANGER, ALICE), {
			results: [
				{ chat: BOB, done: true, whatsapp_code: null },
				{ chat: STRANGER, done: false, whatsapp_code: 404 },
				{ chat: ALICE, done: false, whatsapp_code: 409 }
			]
		})
		assert.deepEqual((await told(chat, 'added')).members, [BOB])
		await stack.arrives(chat, { type: 'text', text: 'all three' }, { kind: 'text', text: 'all three', preview: null })
		await members('promote', BOB)
		assert.deepEqual((await told(chat, 'promoted')).members, [BOB])
		assert.equal((await stack.simulator.lookAtGroup(chat)).members[BOB], 'admin')
		await members('demote', BOB)
		assert.deepEqual((await told(chat, 'demoted')).members, [BOB])
		await members('remove', BOB)
		assert.deepEqual((await told(chat, 'removed')).members, [BOB])
		assert.deepEqual((await stack.simulator.lookAtGroup(chat)).members, { [OWNER]: 'owner', [ALICE]: 'member' })
		// the simulator takes it for a violation where Bob could still read this
		await stack.arrives(
			chat,
			{ type: 'text', text: 'without Bob' },
			{ kind: 'text', text: 'without Bob', preview: null }
		)
	})

	test(`by ${addressing}: the link, a new one, and that we leave`, async () => {
		const chat = await stack.simulator.group('Link', [ALICE, BOB], addressing)
		const { url } = await ask('group.invite', { chat })
		assert.equal(url, `https://chat.whatsapp.com/${(await stack.simulator.lookAtGroup(chat)).invite}`)
		const renewed = await ask('group.invite', { chat, renew: true })
		assert.notEqual(renewed.url, url)
		assert.equal(renewed.url, `https://chat.whatsapp.com/${(await stack.simulator.lookAtGroup(chat)).invite}`)
		assert.equal((await told(chat, 'invite')).value, null)
		await ask('group.leave', { chat })
		assert.deepEqual((await told(chat, 'left')).members, [OWNER])
		await assert.rejects(ask('group.get', { chat }), { code: 'not_a_member' })
		await assert.rejects(ask('group.update', { chat, subject: 'x' }), { code: 'not_a_member' })
		const { groups } = await ask('group.list')
		assert.ok(!(groups as { chat: string }[]).some(group => group.chat === chat))
	})

	test(`by ${addressing}: what others do is told`, async () => {
		const chat = await stack.simulator.call<{ id: string }>('POST', '/groups', {
			subject: "Alice's",
			participants: [ALICE, BOB],
			addressing,
			by: ALICE
		})
		const { id } = chat
		assert.equal((await told(id, 'created')).actor, ALICE)
		const by = (who: string, change: string, options: object = {}) =>
			stack.simulator.changeGroup(id, who, change, options)
		await by(ALICE, 'subject', { value: 'Renamed' })
		await by(ALICE, 'description', { value: 'About' })
		await by(ALICE, 'announce', { on: true })
		await by(ALICE, 'locked', { on: true })
		await by(ALICE, 'picture', { bytes: Buffer.from('picture').toString('base64') })
		await by(ALICE, 'add', { members: [CAROL] })
		await by(ALICE, 'promote', { members: [OWNER, CAROL] })
		await by(ALICE, 'demote', { members: [CAROL] })
		await by(ALICE, 'remove', { members: [CAROL] })
		await by(CAROL, 'join')
		await by(BOB, 'leave')
		for (const [change, actor, members, value] of [
			['subject', ALICE, [], 'Renamed'],
			['description', ALICE, [], 'About'],
			['announce', ALICE, [], 'on'],
			['locked', ALICE, [], 'on'],
			['picture', ALICE, [], 'changed'],
			['added', ALICE, [CAROL], null],
			['promoted', ALICE, [OWNER, CAROL], null],
			['demoted', ALICE, [CAROL], null],
			['removed', ALICE, [CAROL], null],
			['joined', CAROL, [CAROL], null],
			['left', BOB, [BOB], null]
		] as const)
			assert.deepEqual(await told(id, change), { ...all, chat: id, actor, change, members, value }, change)
	})

	test(`by ${addressing}: we are added to a group, and removed`, async () => {
		const { id } = await stack.simulator.call<{ id: string }>('POST', '/groups', {
			subject: 'Strangers',
			participants: [ALICE, BOB],
			addressing,
			by: ALICE,
			without_owner: true
		})
		await assert.rejects(ask('group.get', { chat: id }), { code: 'not_a_member' })
		await stack.simulator.changeGroup(id, ALICE, 'add', { members: [OWNER] })
		assert.deepEqual(await told(id, 'added'), {
			...all,
			chat: id,
			actor: ALICE,
			change: 'added',
			members: [OWNER],
			value: null
		})
		for (const [method, params] of [
			['group.update', { announce: true }],
			['group.members', { action: 'add', members: [CAROL] }],
			['group.invite', {}]
		] as const)
			await assert.rejects(ask(method, { chat: id, ...params }), (error: { code: string; whatsappCode: number }) => {
				assert.equal(error.code, 'refused')
				assert.ok([401, 403].includes(error.whatsappCode))
				return true
			})
		await stack.simulator.changeGroup(id, ALICE, 'locked', { on: true })
		await assert.rejects(ask('group.update', { chat: id, subject: 'x' }), { code: 'refused' })
		await stack.simulator.changeGroup(id, ALICE, 'remove', { members: [OWNER] })
		assert.deepEqual((await told(id, 'removed')).members, [OWNER])
		await assert.rejects(ask('group.leave', { chat: id }), { code: 'not_a_member' })
	})
}

test('what happened while we were away is told, once, in its order', async () => {
	const chat = await stack.simulator.group('Away', [ALICE, BOB])
	await told(chat, 'created')
	await stack.simulator.faults({ refuse_connections: true, drop: true })
	await stack.engine.state('reconnecting')
	await stack.simulator.changeGroup(chat, ALICE, 'subject', { value: 'Back' })
	await stack.simulator.changeGroup(chat, BOB, 'leave')
	const { mark } = stack.engine
	await stack.simulator.clearFaults()
	await stack.engine.state('connected', mark)
	assert.equal((await told(chat, 'subject')).backlog, true)
	await told(chat, 'left')
	await stack.restartEngine()
	await stack.engine.next('group.changed', one => one.chat === chat && one.change === 'left')
	assert.deepEqual(
		stack.engine
			.told('group.changed')
			.filter(one => one.chat === chat)
			.map(({ change }) => change),
		['created', 'subject', 'left']
	)
})

test('a group that is not there', async () => {
	const chat = 'group:120363999999999999'
	for (const [method, params] of [
		['group.update', { subject: 'x' }],
		['group.members', { action: 'add', members: [ALICE] }],
		['group.invite', {}],
		['group.leave', {}]
	] as const)
		await assert.rejects(ask(method, { chat, ...params }), { code: 'group_not_found' })
	await assert.rejects(stack.engine.call('group.update', { account: 'home', chat }), { code: 'invalid_params' })
})
