/** What the simulated phone scans and types, and what it refuses. */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import type { WAMessage } from 'baileys'
import { Client } from './baileys-client.ts'
import { SimulatorProcess } from './simulator-process.ts'

let simulator: SimulatorProcess
let client: Client

before(async () => {
	simulator = await SimulatorProcess.start()
})
after(() => simulator.stop())
beforeEach(() => {
	client = new Client(simulator.url)
})
afterEach(async () => {
	await client.end()
	await simulator.unlink()
})

const scan = (qr: string) => simulator.try<{ device: number }>('POST', '/mock-phone/scan-qr', qr)

test('a code: requested, typed, linked', async () => {
	await client.next('qr')
	const code = await client.socket.requestPairingCode(simulator.phone.slice(1))
	const opened = client.next('open')
	await simulator.call('POST', '/mock-phone/enter-code', { code })
	await opened
})

test('a wrong code is refused', async () => {
	await client.next('qr')
	await client.socket.requestPairingCode(simulator.phone.slice(1))
	const { status, answer } = await simulator.try('POST', '/mock-phone/enter-code', { code: 'AAAAAAAA' })
	assert.deepEqual([status, answer.error], [409, 'wrong_code'])
})

test('after a wrong code the right one still links', async () => {
	await client.next('qr')
	const code = await client.socket.requestPairingCode(simulator.phone.slice(1))
	const { answer } = await simulator.try('POST', '/mock-phone/enter-code', { code: 'AAAAAAAA' })
	assert.equal(answer.error, 'wrong_code')
	const opened = client.next('open')
	await simulator.call('POST', '/mock-phone/enter-code', { code })
	await opened
})

test('a code that nobody asked for', async () => {
	await client.next('qr')
	const { answer } = await simulator.try('POST', '/mock-phone/enter-code', { code: 'AAAAAAAA' })
	assert.equal(answer.error, 'no_code_requested')
})

test('a code for another number: the server says 400', async () => {
	await client.next('qr')
	const refused = new Promise<{ content: { attrs: { code: string } }[] }>(resolve => {
		client.socket.ws.once('CB:iq,type:error', resolve)
	})
	await client.socket.requestPairingCode('15559990000')
	assert.equal((await refused).content[0]?.attrs.code, '400')
})

test('the code of an older connection is stale', async () => {
	const older = await client.next<string>('qr')
	await client.end()
	client = new Client(simulator.url)
	const newer = await client.next<string>('qr')
	assert.equal((await scan(older)).answer.error, 'stale_qr')
	const opened = client.next('open')
	assert.equal((await scan(newer)).status, 200)
	await opened
})

test('a companion that was linked but never came back keeps nobody else from being written to', async () => {
	const shown = client.next<string>('qr')
	client.reconnects = []
	const closed = client.next<number>('close')
	assert.equal((await scan(await shown)).status, 200)
	assert.equal(await closed, 515)
	await simulator.contact('+15551230001')
	client = await Client.paired(simulator)
	const arrived = client.next<WAMessage>('message')
	await simulator.write('+15551230001', { text: 'hello' })
	assert.equal((await arrived).message?.conversation, 'hello')
	await client.send('15551230001@s.whatsapp.net', 'and back')
	assert.equal((await simulator.received('+15551230001'))[0]?.text, 'and back')
	assert.deepEqual((await simulator.state()).violations, [])
})

test('a made-up ref is stale, other keys are invalid, anything else is no code', async () => {
	const qr = await client.next<string>('qr')
	const fields = qr.split(',')
	const changed = (index: number, value: string) => fields.with(index, value).join(',')
	assert.equal((await scan(changed(0, 'https://wa.me/settings/linked_devices#2@AAAA'))).answer.error, 'stale_qr')
	assert.equal((await scan(changed(1, Buffer.alloc(32).toString('base64')))).answer.error, 'invalid_qr')
	assert.equal((await scan(changed(2, Buffer.alloc(32).toString('base64')))).answer.error, 'invalid_qr')
	assert.equal((await scan('https://example.com')).answer.error, 'invalid_qr')
})

test('another secret than the one on the screen: the companion refuses, and nobody is linked', async () => {
	const fields = (await client.next<string>('qr')).split(',')
	const before_ = (await simulator.state()).linked_devices.length
	const { status, answer } = await scan(fields.with(3, Buffer.alloc(32, 1).toString('base64')).join(','))
	assert.deepEqual([status, answer.error], [409, 'connection_lost'])
	assert.equal((await simulator.state()).linked_devices.length, before_)
})

test('another phone scans: its own number is linked, and the companion may say no', async () => {
	const phone = '+15551230077'
	await simulator.call('POST', '/contacts', { phone, name: 'Second' })
	const qr = await client.next<string>('qr')
	client.socket.ws.prependListener('CB:iq,,pair-success', (stanza: { attrs: { id: string } }) => {
		const error = { tag: 'error', attrs: { code: '500', text: 'internal-error' } }
		void client.socket.sendNode({
			tag: 'iq',
			attrs: { to: '@s.whatsapp.net', type: 'error', id: stanza.attrs.id },
			content: [error]
		})
	})
	const { answer } = await simulator.try<{ error: string }>(
		'POST',
		`/mock-phone/scan-qr?phone=${encodeURIComponent(phone)}`,
		qr
	)
	assert.equal(answer.error, 'companion_refused')
	const { linked_devices } = await simulator.call<{ linked_devices: { phone: string }[] }>('GET', '/state')
	assert.ok(!linked_devices.some(device => device.phone === phone))
})

test('a phone has four linked devices at most', async () => {
	const phone = '+15551230078'
	await simulator.call('POST', '/contacts', { phone, name: 'Busy' })
	const scanThere = (qr: string) =>
		simulator.try<{ error: string }>('POST', `/mock-phone/scan-qr?phone=${encodeURIComponent(phone)}`, qr)
	for (let device = 0; device < 4; device++) {
		const qr = await client.next<string>('qr')
		const opened = client.next('open')
		assert.equal((await scanThere(qr)).status, 200)
		await opened
		await client.end()
		client = new Client(simulator.url)
	}
	assert.equal((await scanThere(await client.next<string>('qr'))).answer.error, 'device_limit')
})

test('a code for somebody else is not taken on this phone', async () => {
	const phone = '+15551230079'
	await simulator.call('POST', '/contacts', { phone, name: 'Third' })
	await client.next('qr')
	const code = await client.socket.requestPairingCode(phone.slice(1))
	const typed = (fields: object) => simulator.try('POST', '/mock-phone/enter-code', { code, ...fields })
	assert.equal((await typed({})).answer.error, 'no_code_requested')
	const opened = client.next('open')
	assert.equal((await typed({ phone })).status, 200)
	await opened
})
