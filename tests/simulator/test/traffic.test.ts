/** What a real, unmodified Baileys does against the simulator when all is well. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { BinaryNode, WAMessage } from 'baileys'
import { Client } from './baileys-client.ts'
import { SimulatorProcess } from './simulator-process.ts'

const [ALICE, BOB, CAROL] = ['+15551230001', '+15551230002', '+15551230003']
const jid = (phone: string) => `${phone.slice(1)}@s.whatsapp.net`

let simulator: SimulatorProcess
let client: Client

before(async () => {
	simulator = await SimulatorProcess.start()
	client = new Client(simulator.url)
	const qr = await client.next<string>('qr')
	const opened = client.next('open')
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	await opened
	await simulator.contact(ALICE)
	await simulator.contact(BOB, { devices: 4, addressing: 'lid' })
	await simulator.contact(CAROL, { addressing: 'lid' })
})

after(async () => {
	await client?.end()
	await simulator?.stop()
})

test('pairing by QR goes through 515 and a new socket', async () => {
	assert.deepEqual(client.closes, [515])
	const state = await simulator.state()
	assert.equal(state.connections, 1)
	assert.equal(client.auth.creds.me?.lid?.endsWith('@lid'), true)
})

test('a text is decrypted by the contact and by the own phone', async () => {
	const id = await client.send(jid(ALICE), 'Hello Alice')
	const [message] = await simulator.received(ALICE)
	assert.equal(message?.text, 'Hello Alice')
	assert.equal(message?.message_id, id)
	const [copy] = await simulator.ownPhone()
	assert.equal(copy?.text, 'Hello Alice')
	assert.equal(copy?.chat, ALICE)
})

test('every device of a contact decrypts', async () => {
	await client.send(jid(BOB), 'Hello Bob')
	await client.send(jid(BOB), 'again')
	let messages = await simulator.received(BOB)
	while ((messages[1]?.devices.length ?? 0) < 4) messages = await simulator.received(BOB)
	assert.deepEqual(
		messages.map(({ text, devices }) => [text, devices.toSorted()]),
		[
			['Hello Bob', [0, 1, 2, 3]],
			['again', [0, 1, 2, 3]]
		]
	)
})

for (const [phone, addressing] of [
	[ALICE, 'pn'],
	[CAROL, 'lid']
] as const) {
	test(`a contact's texts arrive, addressed by ${addressing}`, async () => {
		for (const text of ['first', 'second']) {
			const arrived = client.next<WAMessage>('message')
			const { message_id } = await simulator.write(phone, { text })
			const { key, message, pushName } = await arrived
			assert.equal(message?.conversation, text)
			assert.equal(key.id, message_id)
			assert.equal(key.remoteJid?.endsWith(addressing === 'lid' ? '@lid' : '@s.whatsapp.net'), true)
			assert.equal(pushName, `Name of ${phone}`)
			if (text === 'first') await client.send(key.remoteJid ?? '', 'answer')
		}
		assert.equal((await simulator.received(phone)).at(-1)?.text, 'answer')
	})
}

for (const addressing of ['pn', 'lid']) {
	test(`a group addressed by ${addressing}: both ways, several senders`, async () => {
		const id = await simulator.group('Family', [ALICE, BOB], addressing)
		const groupJid = `${id.slice(6)}@g.us`
		const seen = (await simulator.received(ALICE, -1, 0)).at(-1)?.index ?? -1
		await client.send(groupJid, 'to all')
		await client.send(groupJid, 'once more')
		await simulator.received(ALICE, seen + 1)
		assert.deepEqual(
			(await simulator.received(ALICE, seen)).map(({ text, chat }) => [text, chat]),
			[
				['to all', id],
				['once more', id]
			]
		)
		for (const phone of [ALICE, BOB, ALICE]) {
			const arrived = client.next<WAMessage>('message')
			await simulator.write(phone, { text: `from ${phone}`, group: id })
			const { key, message } = await arrived
			assert.equal(message?.conversation, `from ${phone}`)
			assert.equal(key.remoteJid, groupJid)
			assert.equal(key.participant?.includes(addressing === 'lid' ? '@lid' : phone.slice(1)), true)
		}
	})
}

test('what the owner writes on the phone arrives as from me', async () => {
	const arrived = client.next<WAMessage>('message')
	await simulator.call('POST', '/mock-phone/send', { to: ALICE, text: 'written on the phone' })
	const { key, message } = await arrived
	assert.equal(message?.conversation, 'written on the phone')
	assert.equal(key.fromMe, true)
	assert.equal(key.remoteJid, jid(ALICE))
})

test('what the owner writes on the phone to a hidden number, and to a group', async () => {
	const group = await simulator.group('Owner writes', [ALICE])
	for (const [to, chat] of [
		[CAROL, '@lid'],
		[group, `${group.slice(6)}@g.us`]
	] as const) {
		const arrived = client.next<WAMessage>('message')
		await simulator.call('POST', '/mock-phone/send', { to, text: `to ${to}` })
		const { key, message } = await arrived
		assert.deepEqual([message?.conversation, key.fromMe], [`to ${to}`, true])
		assert.equal(key.remoteJid?.endsWith(chat), true)
	}
})

test('a contact that never sends receipts, and one that reads at once', async () => {
	// on the wire: Baileys tells no status of a message whose own event it still holds back
	const receipts: (string | undefined)[][] = []
	const readOne = new Promise<void>(resolve => {
		client.socket.ws.on('CB:receipt', ({ attrs }: BinaryNode) => {
			receipts.push([attrs.id, attrs.type])
			if (attrs.type === 'read') resolve()
		})
	})
	await simulator.call('POST', `/contacts/${BOB}/behaviour`, { receipts: 'none' })
	await client.send(jid(BOB), 'no receipts')
	await simulator.call('POST', `/contacts/${ALICE}/behaviour`, { receipts: 'read' })
	const read = await client.send(jid(ALICE), 'read at once')
	await readOne
	assert.deepEqual(receipts, [
		[read, undefined],
		[read, 'read']
	])
	for (const phone of [ALICE, BOB])
		await simulator.call('POST', `/contacts/${phone}/behaviour`, { receipts: 'delivery' })
})

test('delivery and read receipts come', async () => {
	const statuses: number[] = []
	client.on('status', ({ update }) => statuses.push(update.status))
	const id = await client.send(jid(ALICE), 'read me')
	await simulator.received(ALICE, (await simulator.received(ALICE)).at(-2)?.index)
	await simulator.call('POST', `/contacts/${ALICE}/read`, { message_id: id })
	while (!statuses.includes(4)) await client.next('status')
	assert.deepEqual(statuses, statuses.toSorted())
})

test('a contact that can not decrypt gets the message again', async () => {
	await simulator.call('POST', `/contacts/${ALICE}/behaviour`, { decrypt: 'retry-once' })
	const seen = (await simulator.received(ALICE)).at(-1)?.index ?? -1
	await client.send(jid(ALICE), 'the second time you can read it')
	const [message] = await simulator.received(ALICE, seen)
	assert.equal(message?.text, 'the second time you can read it')
	assert.equal((await simulator.state()).counts['healed by a retry'], 1)
})

test('a contact that asks again only when it is told to', async () => {
	await simulator.call('POST', `/contacts/${ALICE}/behaviour`, { decrypt: 'retry-later' })
	const seen = (await simulator.received(ALICE)).at(-1)?.index ?? -1
	await client.send(jid(ALICE), 'late')
	await client.send(jid(ALICE), 'in time')
	assert.deepEqual(
		(await simulator.received(ALICE, seen)).map(({ text }) => text),
		['in time']
	)
	await simulator.call('POST', `/contacts/${ALICE}/ask-again`)
	assert.equal((await simulator.received(ALICE, seen + 1))[0]?.text, 'late')
})

for (const addressing of ['pn', 'lid', 'group'] as const) {
	test(`a message that the linked device can not decrypt comes again when it asks (${addressing})`, async () => {
		const [phone, retries] = [addressing === 'lid' ? CAROL : ALICE, 'retries asked by the linked device']
		const before_ = (await simulator.state()).counts[retries] ?? 0
		const group = addressing === 'group' && (await simulator.group('Garbled', [ALICE]))
		await simulator.call('POST', `/contacts/${phone}/behaviour`, { encrypt: 'garble-once' })
		const arrived = client.next<WAMessage>('message')
		const { message_id } = await simulator.write(phone, { text: 'garbled at first', ...(group ? { group } : {}) })
		const { key, message } = await arrived
		assert.deepEqual([key.id, message?.conversation], [message_id, 'garbled at first'])
		assert.equal((await simulator.state()).counts[retries], before_ + 1)
	})
}

test('receipts that come while it is away wait too', async () => {
	const id = await client.send(jid(ALICE), 'read me later')
	await simulator.received(ALICE, (await simulator.received(ALICE)).at(-2)?.index)
	const closed = client.next<number>('close')
	await simulator.faults({ drop: true })
	await closed
	await simulator.call('POST', `/contacts/${ALICE}/read`, { message_id: id })
	client.connect()
	const { key, update } = await client.next<{ key: WAMessage['key']; update: { status: number } }>('status')
	assert.deepEqual([key.id, update.status], [id, 4])
})

test('each reader of a group message is waited for', async () => {
	const readers = [ALICE, BOB]
	const group = await simulator.group('Readers', readers)
	const indexes = await Promise.all(
		readers.map(async phone => (await simulator.received(phone, -1, 0)).at(-1)?.index ?? -1)
	)
	const id = await client.send(`${group.slice(6)}@g.us`, 'read it, both')
	for (const [at, phone] of readers.entries()) await simulator.received(phone, indexes[at])
	const closed = client.next<number>('close')
	await simulator.faults({ drop: true })
	await closed
	const backlog = async () => (await simulator.state()).linked_devices[0]?.backlog ?? 0
	const before_ = await backlog()
	for (const phone of readers) await simulator.call('POST', `/contacts/${phone}/read`, { message_id: id })
	assert.equal(await backlog(), before_ + 2)
	const opened = client.next('open')
	client.connect()
	await opened
	const deadline = Date.now() + 5000
	while (await backlog()) assert.ok(Date.now() < deadline, 'the client answers each')
})

test('the same message id twice is one message for the contact', async () => {
	const seen = (await simulator.received(ALICE)).at(-1)?.index ?? -1
	const dropped = async () => (await simulator.state()).counts['duplicates dropped by a recipient'] ?? 0
	const before_ = await dropped()
	const id = await client.send(jid(ALICE), 'once')
	await client.send(jid(ALICE), 'once', id)
	await client.send(jid(ALICE), 'and another')
	await simulator.received(ALICE, seen + 1)
	assert.deepEqual(
		(await simulator.received(ALICE, seen)).map(({ text, devices }) => [text, devices]),
		[
			['once', [0]],
			['and another', [0]]
		]
	)
	assert.equal(await dropped(), before_ + 2, 'by the contact and by the own phone')
})

test('who is not on WhatsApp is reported so', async () => {
	assert.deepEqual(
		(await client.socket.onWhatsApp('15559990000'))?.filter(({ exists }) => exists),
		[]
	)
	assert.equal((await client.socket.onWhatsApp(ALICE.slice(1)))?.[0]?.exists, true)
})

test('what comes while it is away waits, in order, marked offline', async () => {
	const closed = client.next<number>('close')
	await simulator.faults({ drop: true })
	assert.equal(await closed, 428)
	for (const text of ['one', 'two', 'three']) await simulator.write(ALICE, { text })
	const before = client.messages.length
	client.connect()
	while (client.messages.length < before + 3) await client.next('message')
	assert.deepEqual(
		client.messages.slice(before).map(({ message }) => message?.conversation),
		['one', 'two', 'three']
	)
})

test('nothing was refused and nothing is left unanswered', async () => {
	const { violations, unanswered } = await simulator.state()
	assert.deepEqual(violations, [])
	assert.deepEqual(unanswered, [])
})
