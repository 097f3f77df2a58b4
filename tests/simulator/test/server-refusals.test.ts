/** What WhatsApp's servers refuse of a client, seen by a real Baileys that is made to do it; each is also reported. */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { areJidsSameUser, type BinaryNode, Browsers, Curve, encodeBigEndian } from 'baileys'
import { Client } from './baileys-client.ts'
import { SimulatorProcess } from './simulator-process.ts'

let simulator: SimulatorProcess
let client: Client

before(async () => {
	simulator = await SimulatorProcess.start()
})
after(() => simulator.stop())

async function newViolations(provoke: () => Promise<unknown>): Promise<string[]> {
	const known = (await simulator.state()).violations.length
	await provoke()
	return (await simulator.state()).violations.slice(known).map(({ what }) => what)
}

const query = (attrs: Record<string, string>, content: BinaryNode[]) =>
	client.socket.query({ tag: 'iq', attrs: { to: '@s.whatsapp.net', ...attrs }, content })

const code = (error: unknown) => (error as { data: number }).data

test('a registration whose signed pre-key is forged', async () => {
	client = new Client(simulator.url)
	client.auth.creds.signedPreKey.signature = Buffer.alloc(64, 1)
	const violations = await newViolations(() => client.next('close'))
	assert.deepEqual(violations, ['frame'])
	await client.end()
})

test('a companion that signs with another key than its identity is not linked', async () => {
	client = new Client(simulator.url)
	const qr = await client.next<string>('qr')
	client.auth.creds.signedIdentityKey.private = Curve.generateKeyPair().private
	const known = (await simulator.state()).linked_devices.length
	const violations = await newViolations(async () => {
		const { status, answer } = await simulator.try('POST', '/mock-phone/scan-qr', qr)
		assert.deepEqual([status, answer.error], [409, 'invalid_qr'])
	})
	assert.deepEqual(violations, ['pair-device-sign'])
	assert.equal((await simulator.state()).linked_devices.length, known)
	await client.end()
})

test('a pairing code for a browser that is none', async () => {
	client = new Client(simulator.url, Browsers.ubuntu('Home Assistant'))
	await client.next('qr')
	const refused = new Promise<BinaryNode>(resolve => {
		client.socket.ws.once('CB:iq,type:error', resolve)
	})
	await client.socket.requestPairingCode(simulator.phone.slice(1))
	const [error] = (await refused).content as BinaryNode[]
	assert.equal(error?.attrs.code, '400')
	const { answer } = await simulator.try('POST', '/mock-phone/enter-code', { code: 'AAAAAAAA' })
	assert.equal(answer.error, 'no_code_requested')
	await client.end()
})

void test.describe('of a linked device', () => {
	beforeEach(async () => {
		client = await Client.paired(simulator)
	})
	afterEach(async () => {
		await client.end()
		await simulator.unlink()
	})

	test('an iq that it does not know', async () => {
		const violations = await newViolations(() =>
			assert.rejects(query({ xmlns: 'w:nonsense', type: 'get' }, [{ tag: 'nothing', attrs: {} }]), error => {
				assert.equal(code(error), 501)
				return true
			})
		)
		assert.deepEqual(violations, ['iq'])
	})

	test('pre-keys with a forged signature, and the old ones stay', async () => {
		const { signedPreKey } = client.auth.creds
		const rotate: BinaryNode = {
			tag: 'rotate',
			attrs: {},
			content: [
				{
					tag: 'skey',
					attrs: {},
					content: [
						{ tag: 'id', attrs: {}, content: encodeBigEndian(2, 3) },
						{ tag: 'value', attrs: {}, content: signedPreKey.keyPair.public },
						{ tag: 'signature', attrs: {}, content: Buffer.alloc(64, 1) }
					]
				}
			]
		}
		const violations = await newViolations(() =>
			assert.rejects(query({ xmlns: 'encrypt', type: 'set' }, [rotate]), error => {
				assert.equal(code(error), 406)
				return true
			})
		)
		assert.deepEqual(violations, ['pre-keys'])
	})

	test('a first message without the identity that the phone signed: nobody takes it', async () => {
		const phone = '+15551230009'
		await simulator.contact(phone)
		const account = client.auth.creds.account
		assert.ok(account)
		account.deviceSignature = Buffer.alloc(64, 1)
		const acked = new Promise(resolve => client.socket.ws.once('CB:ack,class:message', resolve))
		const violations = await newViolations(async () => {
			await client.send(`${phone.slice(1)}@s.whatsapp.net`, 'who am I?')
			await acked
		})
		assert.deepEqual(violations, ['message'])
		assert.deepEqual(await simulator.received(phone, -1, 0), [])
	})
})

test('a login with another Noise key than at pairing', async () => {
	client = await Client.paired(simulator)
	await client.end()
	Object.assign(client.auth.creds, { noiseKey: Curve.generateKeyPair() })
	client.connect()
	assert.equal(await client.next<number>('close'), 401)
})

/** Spoils what the client encrypts, for its own phone or for others, so many times. */
function spoil(recipient: 'own phone' | 'contact', times: number): void {
	const { signalRepository } = client.socket
	const { me } = client.auth.creds
	const encrypt = signalRepository.encryptMessage
	let left = times
	signalRepository.encryptMessage = async options => {
		const encrypted = await encrypt(options)
		const own = [me?.id, me?.lid].some(jid => areJidsSameUser(jid, options.jid))
		if (own !== (recipient === 'own phone') || left-- <= 0) return encrypted
		const spoiled = Buffer.from(encrypted.ciphertext)
		spoiled.writeUInt8(spoiled.readUInt8(spoiled.length - 20) ^ 1, spoiled.length - 20)
		return { ...encrypted, ciphertext: spoiled }
	}
}

test('a message that is spoiled each time it is sent: asked for twice, then one violation, and never read', async () => {
	const phone = '+15551230008'
	await simulator.contact(phone)
	client = await Client.paired(simulator)
	spoil('contact', Infinity)
	const violations = await newViolations(async () => {
		const known = (await simulator.state()).violations.length
		await client.send(`${phone.slice(1)}@s.whatsapp.net`, 'spoiled')
		const deadline = Date.now() + 10_000
		while ((await simulator.state()).violations.length === known) assert.ok(Date.now() < deadline)
	})
	assert.deepEqual(violations, ['message'])
	assert.deepEqual(await simulator.received(phone, -1, 0), [])
	await client.end()
})

test('the own phone asks again for a copy that it can not decrypt, and gets it', async () => {
	const phone = '+15551230005'
	await simulator.contact(phone)
	client = await Client.paired(simulator)
	spoil('own phone', 1)
	const seen = (await simulator.ownPhone(-1, 0)).at(-1)?.index ?? -1
	const id = await client.send(`${phone.slice(1)}@s.whatsapp.net`, 'for both')
	const [copy] = await simulator.ownPhone(seen)
	assert.deepEqual([copy?.message_id, copy?.text, copy?.chat], [id, 'for both', phone])
	await client.end()
})

test('control calls that mean nothing', async () => {
	const [MEMBER, OUTSIDER] = ['+15551230006', '+15551230007']
	await simulator.contact(MEMBER)
	await simulator.contact(OUTSIDER)
	const group = await simulator.group('Members', [MEMBER])
	const refusals: [string, string, unknown, string][] = [
		['POST', '/faults', { dorp: true }, 'bad_request'],
		['POST', '/faults', '{', 'bad_request'],
		['POST', '/faults', '[]', 'bad_request'],
		['POST', '/faults', { silent: 'yes' }, 'bad_request'],
		['POST', '/faults', { stream_error: 418 }, 'bad_request'],
		['POST', '/faults', { acks: 'nonne' }, 'bad_request'],
		['POST', '/faults', { acks: {} }, 'bad_request'],
		['POST', `/contacts/${MEMBER}/behaviour`, { encrypt: 'garbel-once' }, 'bad_request'],
		['POST', `/contacts/${MEMBER}/behaviour`, { decript: 'ok' }, 'bad_request'],
		[
			'POST',
			`/contacts/${MEMBER}/send`,
			{ content: { kind: 'image', media: { mimetype: 'image/png' } } },
			'bad_request'
		],
		['POST', `/contacts/${MEMBER}/send`, { text: 'hello', addressing: 'phone' }, 'bad_request'],
		['POST', `/contacts/${OUTSIDER}/send`, { text: 'hello', group }, 'not_a_participant'],
		['GET', `/contacts/${MEMBER}/messages?after=last`, undefined, 'bad_request'],
		['POST', '/contacts', { phone: '0123', name: 'Nobody' }, 'bad_request'],
		['POST', '/contacts', { phone: simulator.phone, name: 'The owner' }, 'contact_exists'],
		['POST', '/contacts/+15550000000/send', { text: 'hello' }, 'unknown_contact'],
		['POST', '/mock-phone/send', { to: 'group:1', text: 'hello' }, 'unknown_group'],
		['POST', '/mock-phone/scan-qr', '2@x', 'stale_qr'],
		['GET', '/nothing', undefined, 'not_found']
	]
	for (const [method, path, body, expected] of refusals) {
		assert.equal((await simulator.try(method, path, body)).answer.error, expected, path)
	}
})
