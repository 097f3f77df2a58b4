/** Linking an account that WhatsApp asks for a passkey: the whole ceremony against a server that checks each value, and its bad ends. */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import type { PairingUpdate } from '../../bridge-addon/engine/src/protocol.ts'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, temporaryFolder } from './engine-process.ts'

const OWNER = '+15550001000'

let simulator: SimulatorProcess
let engine: EngineProcess
let folder: ReturnType<typeof temporaryFolder>

before(async () => {
	simulator = await SimulatorProcess.start()
})
after(() => simulator.stop())
beforeEach(() => {
	folder = temporaryFolder()
})
afterEach(async () => {
	await engine.stop()
	folder.remove()
	await simulator.clearFaults()
	await simulator.unlink()
})

const withStatus = (wanted: PairingUpdate['status']) => (params: PairingUpdate) => params.status === wanted

/** Shows a code and lets the phone scan it; WhatsApp then asks for a passkey. */
async function scan(passkey: string, environment: Record<string, string> = {}): Promise<PairingUpdate> {
	await simulator.faults({ passkey })
	engine = await EngineProcess.start(folder.path, simulator, environment)
	await engine.call('account.start', { account: 'home' })
	await engine.state('logged_out')
	await engine.call('pairing.start', { account: 'home', method: 'qr' })
	const { qr } = await engine.next('pairing.update', params => params.qr !== null)
	await simulator.call('POST', '/mock-phone/scan-qr', qr ?? '')
	return engine.next('pairing.update', withStatus('passkey_required'))
}

async function agree(): Promise<void> {
	const { assertion } = await simulator.call<{ assertion: object }>('POST', '/mock-phone/passkey', {})
	await engine.call('pairing.passkey', { account: 'home', assertion })
}

async function violations(): Promise<unknown[]> {
	const { violations } = await simulator.call<{ violations: unknown[] }>('GET', '/state')
	return violations
}

async function linksAtTheNextAttempt(): Promise<void> {
	await simulator.clearFaults()
	const mark = engine.mark
	await engine.call('pairing.start', { account: 'home', method: 'qr' })
	const { qr } = await engine.next('pairing.update', params => params.qr !== null, mark)
	await simulator.call('POST', '/mock-phone/scan-qr', qr ?? '')
	await engine.state('connected', mark)
}

for (const fault of ['required', 'options-on-request']) {
	test(`a scanned code goes on with a passkey, and needs no comparing (${fault})`, async () => {
		const { passkey, expires_at, qr } = await scan(fault)
		assert.equal(passkey?.rpId, 'whatsapp.com')
		assert.equal(qr, null)
		assert.ok(expires_at)
		await agree()
		const { phone } = await engine.state('connected')
		assert.equal(phone, OWNER)
		const told = engine.told('pairing.update').map(({ status }) => status)
		assert.ok(!told.includes('confirmation_required'))
		assert.deepEqual(await violations(), [])
	})
}

test('where the proof is too old the codes are compared, and both show the same', async () => {
	await scan('required', { ENGINE_HANDOFF_MS: '0' })
	await agree()
	const { code } = await engine.next('pairing.update', withStatus('confirmation_required'))
	assert.match(code ?? '', /^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$/)
	assert.deepEqual(await simulator.call('GET', '/mock-phone/passkey'), { code })
	await engine.call('pairing.confirm', { account: 'home', same: true })
	await engine.state('connected')
	assert.deepEqual(await violations(), [])
})

test('a pairing code goes on with a passkey too, compared since the phone knows no secret of ours', async () => {
	await simulator.faults({ passkey: 'required' })
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	await engine.state('logged_out')
	await engine.call('pairing.start', { account: 'home', method: 'code', phone: OWNER })
	const { code } = await engine.next('pairing.update', params => params.code !== null)
	await simulator.call('POST', '/mock-phone/enter-code', { code })
	await engine.next('pairing.update', withStatus('passkey_required'))
	await agree()
	await engine.next('pairing.update', withStatus('confirmation_required'))
	await engine.call('pairing.confirm', { account: 'home', same: true })
	await engine.state('connected')
	assert.deepEqual(await violations(), [])
})

test('codes that differ: not confirmed, and the next attempt works', async () => {
	await scan('required', { ENGINE_HANDOFF_MS: '0' })
	await agree()
	await engine.next('pairing.update', withStatus('confirmation_required'))
	await engine.call('pairing.confirm', { account: 'home', same: false })
	const { error_code } = await engine.next('pairing.update', withStatus('refused'))
	assert.equal(error_code, 'pairing_not_confirmed')
	await linksAtTheNextAttempt()
})

test('WhatsApp refuses the passkey, and the next attempt works', async () => {
	await scan('refused')
	await agree()
	const { error_code } = await engine.next('pairing.update', withStatus('refused'))
	assert.equal(error_code, 'passkey_refused')
	await engine.state('logged_out', engine.mark - 1)
	await linksAtTheNextAttempt()
})

test('the phone never goes on: told after a while, and the next attempt works', async () => {
	await scan('no-continuation', { ENGINE_PASSKEY_ANSWER_MS: '300' })
	await agree()
	const { error_code } = await engine.next('pairing.update', withStatus('refused'))
	assert.equal(error_code, 'passkey_no_continuation')
	await linksAtTheNextAttempt()
})

test('a passkey that nobody asked for, and one of a wrong form, are refused and change nothing', async () => {
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	await engine.state('logged_out')
	const response = { clientDataJSON: 'YQ', authenticatorData: 'YQ', signature: 'YQ', userHandle: null }
	const assertion = { id: 'YQ', rawId: 'YQ', type: 'public-key', response }
	const refused = (params: object, code: string) =>
		assert.rejects(engine.call('pairing.passkey', { account: 'home', ...params }), { code })
	await refused({ assertion }, 'passkey_not_requested')
	await refused({ assertion: { ...assertion, rawId: 'not base64url!' } }, 'invalid_params')
	await refused({ assertion: { ...assertion, response: {} } }, 'invalid_params')
	await assert.rejects(engine.call('pairing.confirm', { account: 'home', same: true }), {
		code: 'passkey_not_requested'
	})
})

test('nothing of the ceremony is written to the log', async () => {
	await scan('required')
	await agree()
	await engine.state('connected')
	const logged = engine.output.split('\n').filter(line => line.includes('"level"'))
	assert.ok(logged.length)
	for (const line of logged) assert.doesNotMatch(line, /clientDataJSON|challenge|advSecret/)
})

for (const [fault, error] of [
	['options-unreadable', 'passkey_request_invalid'],
	['continuation-unreadable', 'passkey_request_invalid'],
	['no-end', 'passkey_no_continuation']
] as const) {
	test(`${fault}: ${error}, and the next attempt works`, async () => {
		await simulator.faults({ passkey: fault })
		engine = await EngineProcess.start(folder.path, simulator, { ENGINE_PASSKEY_ANSWER_MS: '500' })
		await engine.call('account.start', { account: 'home' })
		await engine.call('pairing.start', { account: 'home', method: 'qr' })
		const { qr } = await engine.next('pairing.update', params => params.qr !== null)
		await simulator.call('POST', '/mock-phone/scan-qr', qr ?? '')
		if (fault !== 'options-unreadable') {
			await engine.next('pairing.update', withStatus('passkey_required'))
			await agree()
		}
		const { error_code } = await engine.next('pairing.update', withStatus('refused'))
		assert.equal(error_code, error)
		await linksAtTheNextAttempt()
	})
}
