/** Each fault, as an unmodified Baileys feels it (what it reports is in the first column of Baileys' own codes). */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Client } from './baileys-client.ts'
import { SimulatorProcess } from './simulator-process.ts'

const ALICE = '+15551230001'
const ALICE_JID = '15551230001@s.whatsapp.net'

let simulator: SimulatorProcess
let client: Client

before(async () => {
	simulator = await SimulatorProcess.start()
	await simulator.contact(ALICE)
})
after(() => simulator.stop())
beforeEach(async () => {
	client = await Client.paired(simulator)
})
afterEach(async () => {
	await simulator.clearFaults()
	await client.end()
	await simulator.unlink()
})

async function comesBack(): Promise<void> {
	await simulator.clearFaults()
	const opened = client.next('open')
	client.connect()
	await opened
	await client.send(ALICE_JID, 'back')
	const seen = await simulator.received(ALICE)
	assert.equal(seen.at(-1)?.text, 'back')
}

for (const [name, fault, code] of [
	['drop', { drop: true }, 428],
	['stream error 503', { stream_error: 503 }, 503],
	['stream error 500', { stream_error: 500 }, 500],
	['stream error 440', { stream_error: 440 }, 440]
] as const) {
	test(`${name}: closes with ${code}, and a new socket works`, async () => {
		const closed = client.next<number>('close')
		await simulator.faults(fault)
		assert.equal(await closed, code)
		await comesBack()
	})
}

test('stream error 515: the client is told to come again, and it does', async () => {
	const opened = client.next('open')
	await simulator.faults({ stream_error: 515 })
	await opened
})

for (const code of [401, 403, 405]) {
	test(`login failure ${code}`, async () => {
		const closed = client.next<number>('close')
		await simulator.faults({ login_failure: code, drop: true })
		await closed
		const refused = client.next<number>('close')
		client.connect()
		assert.equal(await refused, code)
	})
}

test('stream error 401: closed as unlinked', async () => {
	const closed = client.next<number>('close')
	await simulator.faults({ stream_error: 401 })
	assert.equal(await closed, 401)
})

test('unlinked on the phone: 401, and so is every later login', async () => {
	const closed = client.next<number>('close')
	await simulator.call('POST', '/mock-phone/unlink')
	assert.equal(await closed, 401)
	const refused = client.next<number>('close')
	client.connect()
	assert.equal(await refused, 401)
})

test('upgrade status 503: Baileys says nothing at all; the socket sees the answer', async () => {
	const closed = client.next<number>('close')
	await simulator.faults({ upgrade_status: 503, drop: true })
	await closed
	client.connect()
	const status = await new Promise<number>(resolve => {
		client.socket.ws.on('unexpected-response', (_request: unknown, response: { statusCode: number }) =>
			resolve(response.statusCode)
		)
	})
	assert.equal(status, 503)
	assert.equal(client.closes.length, 2)
})

test('refused connections: closed at once', async () => {
	const closed = client.next<number>('close')
	await simulator.faults({ refuse_connections: true, drop: true })
	await closed
	const refused = client.next<number>('close')
	client.connect()
	await refused
	await comesBack()
})

test('silent: nothing is answered, and the link is gone when the fault ends', async () => {
	await simulator.faults({ silent: true })
	await assert.rejects(
		client.socket.query({ tag: 'iq', attrs: { to: '@s.whatsapp.net', type: 'get', xmlns: 'w:p' } }, 300)
	)
	const closed = client.next<number>('close')
	await simulator.clearFaults()
	assert.equal(await closed, 428)
	await comesBack()
})

test('acks none: the contact has it, the sender never hears', async () => {
	await simulator.faults({ acks: 'none' })
	const acked = new Promise(resolve => client.socket.ws.once('CB:ack,class:message', resolve))
	const after_ = (await simulator.received(ALICE, -1, 0)).at(-1)?.index ?? -1
	await client.send(ALICE_JID, 'heard?')
	assert.equal((await simulator.received(ALICE, after_))[0]?.text, 'heard?')
	await simulator.clearFaults()
	await client.send(ALICE_JID, 'now')
	await acked
})

test('slow acks come so much later', async () => {
	await simulator.faults({ acks: { delay_ms: 300 } })
	const acked = new Promise(resolve => client.socket.ws.once('CB:ack,class:message', resolve))
	const written = performance.now()
	await client.send(ALICE_JID, 'slowly')
	await acked
	assert.ok(performance.now() - written >= 295)
})

test('acks with an error: nobody gets the message', async () => {
	await simulator.faults({ acks: { error: 463 } })
	const acked = new Promise<{ attrs: { error?: string } }>(resolve => {
		client.socket.ws.once('CB:ack,class:message', resolve)
	})
	const before_ = (await simulator.received(ALICE, -1, 0)).length
	await client.send(ALICE_JID, 'refused')
	assert.equal((await acked).attrs.error, '463')
	assert.equal((await simulator.received(ALICE, -1, 0)).length, before_)
})

test('drop after message: it is offered again at the next login, once, until it is answered', async () => {
	await simulator.faults({ drop_after_message: true })
	const closed = client.next<number>('close')
	await simulator.write(ALICE, { text: 'and gone' })
	assert.equal(await closed, 428)
	const offered = async () => (await simulator.state()).linked_devices.at(-1)?.backlog
	assert.equal(await offered(), 1)
	// the fault is still set: what comes from the backlog is not followed by a drop
	const opened = client.next('open')
	client.connect()
	await opened
	const deadline = Date.now() + 5000
	while (await offered()) assert.ok(Date.now() < deadline, 'the client answers it')
	assert.deepEqual(client.closes.slice(-1), [428])
	assert.equal(client.closes.length, 2)
})

test('qr_refs: so many refs', async () => {
	await simulator.faults({ qr_refs: 2 })
	const unpaired = new Client(simulator.url)
	const refs = await new Promise<number>(resolve => {
		unpaired.socket.ws.on('CB:iq,type:set,pair-device', stanza => resolve(stanza.content[0].content.length))
	})
	assert.equal(refs, 2)
	await unpaired.end()
})
