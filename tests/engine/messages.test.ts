/** Texts out and in, as WhatsApp's acknowledgement and the contacts' phones confirm them. */

import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, messageId, pair, sendText, temporaryFolder, textOf } from './engine-process.ts'

const [ALICE, BOB, CAROL] = ['+15551230001', '+15551230002', '+15551230003']
const OWNER = '+15550001000'

const folder = temporaryFolder()
let simulator: SimulatorProcess
let engine: EngineProcess
const lids = new Map<string, string>()

before(async () => {
	simulator = await SimulatorProcess.start()
	engine = await EngineProcess.start(folder.path, simulator, { ENGINE_KEEPALIVE_MS: '1000' })
	await pair(engine, simulator)
	for (const [phone, addressing] of [
		[ALICE, 'pn'],
		[BOB, 'lid'],
		[CAROL, 'lid']
	] as const) {
		lids.set(phone, (await simulator.contact(phone, { addressing, devices: phone === BOB ? 3 : 1 })).lid)
	}
})
after(async () => {
	await engine.stop()
	await simulator.stop()
	folder.remove()
})
afterEach(() => simulator.clearFaults())

const seen = async (phone: string) => (await simulator.received(phone, -1, 0)).at(-1)?.index ?? -1

test('a text: acknowledged by WhatsApp, decrypted by the contact under our own id, then delivered', async () => {
	const id = messageId()
	const { timestamp } = await sendText(engine, ALICE, 'Hello Alice', id)
	assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 5000)
	const [message] = await simulator.received(ALICE)
	assert.deepEqual([message?.text, message?.message_id], ['Hello Alice', id])
	await engine.next('message.status', params => params.message_id === id && params.status === 'sent')
	await engine.next('message.status', params => params.message_id === id && params.status === 'delivered')
	await simulator.call('POST', `/contacts/${ALICE}/read`, { message_id: id })
	const read = await engine.next('message.status', params => params.message_id === id && params.status === 'read')
	assert.deepEqual([read.chat, read.recipient], [ALICE, ALICE])
})

test('without an acknowledgement it is not sent', async () => {
	await simulator.faults({ acks: 'none' })
	await assert.rejects(sendText(engine, ALICE, 'x', messageId(), 1), { code: 'acknowledgement_timeout' })
})

test('a slow acknowledgement is waited for', async () => {
	await simulator.faults({ acks: { delay_ms: 700 } })
	const began = Date.now()
	await sendText(engine, ALICE, 'x')
	assert.ok(Date.now() - began >= 650)
})

test("WhatsApp's refusal is told with its code", async () => {
	await simulator.faults({ acks: { error: 463 } })
	await assert.rejects(sendText(engine, ALICE, 'x'), { code: 'message_rejected', whatsappCode: 463 })
})

test('a number that is not on WhatsApp is refused, not "sent"', async () => {
	await assert.rejects(sendText(engine, '+15559990000', 'x'), { code: 'recipient_not_on_whatsapp' })
})

test('a link that dies before the acknowledgement: not connected at once, and the same id again is one message', async () => {
	const after_ = await seen(ALICE)
	const id = messageId()
	await simulator.faults({ acks: 'none' })
	const mark = engine.mark
	const refused = assert.rejects(sendText(engine, ALICE, 'exactly once', id), { code: 'not_connected' })
	await simulator.received(ALICE, after_)
	await simulator.faults({ drop: true })
	await refused
	await simulator.clearFaults()
	await engine.state('connected', mark)
	await sendText(engine, ALICE, 'exactly once', id)
	await sendText(engine, ALICE, 'next')
	await simulator.received(ALICE, after_ + 1)
	assert.deepEqual(
		(await simulator.received(ALICE, after_)).map(({ text }) => text),
		['exactly once', 'next']
	)
})

test('four callers at once: each text is decrypted by every device', async () => {
	const after_ = await seen(BOB)
	await Promise.all(Array.from({ length: 40 }, (_, index) => sendText(engine, BOB, `number ${index}`)))
	const messages = await simulator.received(BOB, after_)
	assert.equal(messages.length, 40)
	assert.ok(messages.every(({ devices }) => devices.length === 3))
})

for (const addressing of ['pn', 'lid'] as const) {
	test(`a contact's text, addressed by ${addressing}, has number, LID and name`, async () => {
		const { message_id } = await simulator.write(CAROL, { text: `by ${addressing}`, addressing })
		const received = await engine.next('message.received', params => params.message_id === message_id)
		assert.deepEqual(received.chat, { id: CAROL, type: 'person' })
		assert.deepEqual(received.sender, { phone: CAROL, lid: lids.get(CAROL), push_name: `Name of ${CAROL}` })
		assert.deepEqual(received.content, { type: 'text', text: `by ${addressing}`, link_preview: null })
		assert.deepEqual([received.from_me, received.backlog], [false, false])
	})

	test(`a group, addressed by ${addressing}: both ways`, async () => {
		const { id } = await simulator.call<{ id: string }>('POST', '/groups', {
			subject: 'Family',
			participants: [ALICE, BOB],
			addressing
		})
		const after_ = await seen(ALICE)
		const sent = messageId()
		await sendText(engine, id, 'to all', sent)
		const [message] = await simulator.received(ALICE, after_)
		assert.deepEqual([message?.text, message?.chat], ['to all', id])
		const delivered = await engine.next(
			'message.status',
			params => params.message_id === sent && params.recipient === ALICE
		)
		assert.deepEqual([delivered.chat, delivered.status], [id, 'delivered'])
		const { message_id } = await simulator.write(ALICE, { text: 'from Alice', group: id })
		const received = await engine.next('message.received', params => params.message_id === message_id)
		assert.deepEqual(received.chat, { id, type: 'group' })
		assert.equal(received.sender.phone, ALICE)
	})
}

test('what the owner writes on the phone is told as from me, in the chat with the other one', async () => {
	const { message_id } = await simulator.call<{ message_id: string }>('POST', '/mock-phone/send', {
		to: BOB,
		text: 'from my phone'
	})
	const received = await engine.next('message.received', params => params.message_id === message_id)
	assert.deepEqual([received.from_me, received.chat.id, received.sender.phone], [true, BOB, OWNER])
})

test('our own sends are not told as received', async () => {
	const id = messageId()
	await sendText(engine, ALICE, 'not an echo', id)
	const { message_id } = await simulator.write(ALICE, { text: 'later' })
	await engine.next('message.received', params => params.message_id === message_id)
	assert.equal(
		engine.told('message.received').some(({ message_id }) => message_id === id),
		false
	)
})

test('a recipient that can not decrypt gets it again, also when it asks after a new connection', async () => {
	for (const decrypt of ['retry-once', 'retry-later']) {
		const after_ = await seen(ALICE)
		const healed = (await simulator.state()).counts['healed by a retry'] ?? 0
		await simulator.call('POST', `/contacts/${ALICE}/behaviour`, { decrypt })
		await sendText(engine, ALICE, `healed ${decrypt}`)
		if (decrypt === 'retry-later') {
			const mark = engine.mark
			await simulator.faults({ drop: true })
			await engine.state('connected', mark)
			await simulator.call('POST', `/contacts/${ALICE}/ask-again`)
		}
		const [message] = await simulator.received(ALICE, after_)
		assert.equal(message?.text, `healed ${decrypt}`)
		assert.equal((await simulator.state()).counts['healed by a retry'], healed + 1)
	}
})

test(
	'twenty messages in, each followed at once by a drop of the link: all are told, once, in order',
	{
		timeout: 90_000
	},
	async () => {
		const texts: string[] = []
		await simulator.faults({ drop_after_message: true })
		for (let number = 0; number < 20; number++) {
			const mark = engine.mark
			texts.push(`drop ${number}`)
			const { message_id } = await simulator.write(number % 2 ? ALICE : CAROL, { text: `drop ${number}` })
			if (number === 19) await simulator.clearFaults()
			await engine.next('message.received', params => params.message_id === message_id, mark, 15_000)
			await engine.state('connected', mark)
		}
		const told = engine.told('message.received').map(textOf)
		assert.deepEqual(
			told.filter(text => text?.startsWith('drop ')),
			texts
		)
	}
)

test('nothing secret was printed, nothing was refused by WhatsApp', async () => {
	assert.doesNotMatch(engine.output.replaceAll(/^\{"jsonrpc".*$/gm, ''), /privKey|Hello Alice|\+?1555\d{7}/)
	assert.doesNotMatch(engine.output, /privKey|Closing session/)
	const { violations } = await simulator.state()
	assert.deepEqual(violations, [])
})
