/** What is told of people, and of ourselves: names, pictures, numbers; the profile and the block list. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from './eventually.ts'
import { assertFollowsProtocol } from './protocol-schema.ts'
import { ALICE, BOB, OWNER, SendingStack, STRANGER } from './sending-stack.ts'

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

async function ask(method: string, params: object = {}) {
	const question = { account: 'home', ...params }
	assertFollowsProtocol(`${method} params`, question)
	return stack.engine.call(method, question)
}
const put = (path: string, body: object) => stack.simulator.call('PUT', path, body)
const profile = () =>
	stack.simulator.call<{ name: string; about: string; blocked: string[] }>('GET', '/mock-phone/profile')

async function writes(phone: string, text = 'hello') {
	const { message_id } = await stack.simulator.write(phone, { text })
	await stack.engine.next('message.received', one => one.message_id === message_id)
}
const told = (wanted: { name?: string; push_name?: string; picture_changed?: boolean }) =>
	stack.engine.next('contact.changed', one =>
		Object.entries(wanted).every(([field, value]) => one[field as keyof typeof one] === value)
	)

test('who is met for the first time is known, and no event', async () => {
	await writes(ALICE)
	const { contacts } = (await ask('contact.list')) as unknown as { contacts: { chat: string }[] }
	assert.ok(contacts.some(({ chat }) => chat === ALICE))
	assert.deepEqual(stack.engine.told('contact.changed'), [])
})

test('somebody calls themselves otherwise', async () => {
	await put(`/contacts/${ALICE}/name`, { name: 'Ally' })
	await writes(ALICE)
	const { account, delivery, ...contact } = await told({ push_name: 'Ally' })
	assert.ok(account && delivery)
	assert.deepEqual(contact, {
		chat: ALICE,
		phone: ALICE,
		lid: stack.aliceLid,
		name: null,
		push_name: 'Ally',
		picture_changed: false
	})
})

test("the phone's address book names somebody, also while we are away", async () => {
	await put(`/contacts/${ALICE}/address-book`, { name: 'Alice Smith' })
	assert.equal((await told({ name: 'Alice Smith' })).push_name, 'Ally')
	await stack.simulator.faults({ refuse_connections: true, drop: true })
	await stack.engine.state('reconnecting')
	await put(`/contacts/${ALICE}/address-book`, { name: 'Alice Jones' })
	await stack.simulator.clearFaults()
	await told({ name: 'Alice Jones' })
	const { contacts } = (await ask('contact.list')) as unknown as { contacts: { chat: string; name: string }[] }
	assert.equal(contacts.find(({ chat }) => chat === ALICE)?.name, 'Alice Jones')
})

test('an address book that was lost is fetched anew', async () => {
	await stack.tamper('UPDATE contacts SET name = NULL')
	const called = async () => {
		const { contacts } = (await ask('contact.list')) as unknown as { contacts: { chat: string; name: string }[] }
		return contacts.find(({ chat }) => chat === ALICE)?.name
	}
	assert.equal(await called(), null)
	assert.deepEqual(await ask('contact.resync'), {})
	await eventually(async () => (await called()) === 'Alice Jones')
})

test('somebody has another picture, or none', async () => {
	await put(`/contacts/${ALICE}/picture`, { bytes: Buffer.from('new').toString('base64') })
	assert.equal((await told({ picture_changed: true })).chat, ALICE)
	const count = () => stack.engine.told('contact.changed').filter(one => one.picture_changed).length
	const before_ = count()
	await put(`/contacts/${ALICE}/picture`, {})
	await eventually(async () => count() > before_)
})

test('our profile: what others see, changed here or on the phone', async () => {
	assert.deepEqual(await ask('profile.get'), {
		phone: OWNER,
		lid: (await stack.engine.next('account.state', ({ lid }) => lid !== null)).lid,
		name: 'Owner',
		about: ''
	})
	await ask('profile.set', { about: 'At home ü' })
	await ask('profile.set', { name: 'The house' })
	const { name, about } = await ask('profile.get')
	assert.deepEqual([name, about], ['The house', 'At home ü'])
	assert.deepEqual([(await profile()).name, (await profile()).about], ['The house', 'At home ü'])
	await stack.engine.next('account.state', state => state.name === 'The house')
	await put('/mock-phone/name', { name: 'My house' })
	await stack.engine.next('account.state', state => state.name === 'My house')
	await ask('profile.set', { name: 'Our house' })
	assert.equal((await profile()).name, 'Our house')
	await assert.rejects(stack.engine.call('profile.set', { account: 'home' }), { code: 'invalid_params' })
})

test('who is blocked, by number and by LID, cannot write', async () => {
	assert.deepEqual(await ask('block.list'), { chats: [] })
	for (const chat of [ALICE, `lid:${stack.aliceLid}`]) {
		await ask('block.set', { chat, blocked: true })
		assert.deepEqual(await ask('block.list'), { chats: [ALICE] })
		assert.deepEqual((await profile()).blocked, [ALICE])
		await stack.simulator.write(ALICE, { text: 'blocked' })
		await writes(BOB, 'behind it')
		assert.ok(
			!stack.engine.told('message.received').some(({ content }) => 'text' in content && content.text === 'blocked')
		)
		await ask('block.set', { chat, blocked: false })
		assert.deepEqual(await ask('block.list'), { chats: [] })
	}
	await writes(ALICE, 'again')
	await assert.rejects(ask('block.set', { chat: STRANGER, blocked: true }), { code: 'recipient_not_on_whatsapp' })
	await assert.rejects(ask('block.set', { chat: 'lid:123456789', blocked: true }), { code: 'refused' })
})
