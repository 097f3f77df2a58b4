/** Being linked: by QR code and by code, the codes always the valid ones, and every bad end with its reason. */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import type { PairingUpdate } from '../../bridge-addon/engine/src/protocol.ts'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, pair, type RequestFailed, temporaryFolder } from './engine-process.ts'

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

const waiting = (params: PairingUpdate) => params.status === 'waiting' && params.qr !== null

async function begin(method: 'qr' | 'code', environment: Record<string, string> = {}): Promise<void> {
	engine = await EngineProcess.start(folder.path, simulator, environment)
	await engine.call('account.start', { account: 'home' })
	const { reason } = await engine.state('logged_out')
	assert.equal(reason, 'not_paired')
	await engine.call('pairing.start', { account: 'home', method, ...(method === 'code' ? { phone: OWNER } : {}) })
}

test('scanned: pairing, connecting, connected, and no other state in between', async () => {
	await begin('qr')
	const { qr } = await engine.next('pairing.update', waiting)
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	const connected = await engine.state('connected')
	assert.equal(connected.phone, OWNER)
	const states = engine.told('account.state').map(({ state }) => state)
	assert.deepEqual(states, ['starting', 'logged_out', 'pairing', 'connecting', 'connected'])
	await engine.next('pairing.update', ({ status }) => status === 'paired')
	await assert.rejects(engine.call('pairing.start', { account: 'home', method: 'qr' }), { code: 'already_paired' })
})

test('the code on the screen changes, and the newest one is taken', async () => {
	await begin('qr', { ENGINE_FIRST_QR_MS: '200', ENGINE_NEXT_QR_MS: '200' })
	const codes = () =>
		engine
			.told('pairing.update')
			.filter(waiting)
			.map(({ qr }) => qr)
	await engine.next('pairing.update', params => waiting(params) && codes().length >= 3)
	assert.equal(new Set(codes()).size, codes().length)
	await simulator.call('POST', '/mock-phone/scan-qr', codes().at(-1) ?? '')
	await engine.state('connected')
})

test('nobody scans: expired, and the next attempt works', async () => {
	await simulator.faults({ qr_refs: 2 })
	await begin('qr', { ENGINE_FIRST_QR_MS: '150', ENGINE_NEXT_QR_MS: '150' })
	const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'expired')
	assert.equal(error_code, 'pairing_expired')
	await engine.state('logged_out', engine.mark - 1)
	await simulator.clearFaults()
	const mark = engine.mark
	await engine.call('pairing.start', { account: 'home', method: 'qr' })
	const { qr } = await engine.next('pairing.update', waiting, mark)
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	await engine.state('connected')
})

test('the connection is lost while a code is shown: failed, logged out, and the next attempt works', async () => {
	await begin('qr')
	await engine.next('pairing.update', waiting)
	const mark = engine.mark
	await simulator.faults({ drop: true })
	const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'failed', mark)
	assert.equal(error_code, 'connection_lost')
	await engine.state('logged_out', mark)
	await engine.call('pairing.start', { account: 'home', method: 'qr' })
	const { qr } = await engine.next('pairing.update', waiting, mark)
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	await engine.state('connected')
})

test('WhatsApp renews the secret while a code is shown: another code at once', async () => {
	await begin('qr')
	const { qr: old } = await engine.next('pairing.update', waiting)
	const mark = engine.mark
	await simulator.faults({ refresh_secret: true })
	const { qr } = await engine.next('pairing.update', waiting, mark)
	assert.notEqual(qr, old)
	assert.equal(qr?.split(',')[0], old?.split(',')[0], 'no ref is used up')
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	await engine.state('connected')
})

test('WhatsApp renews the secret right after the scan: the phone could not link, and the next code works', async () => {
	await simulator.faults({ refresh_after_scan: true })
	await begin('qr')
	const { qr: old } = await engine.next('pairing.update', waiting)
	const mark = engine.mark
	const { status } = await simulator.try('POST', '/mock-phone/scan-qr', old ?? '')
	assert.equal(status, 409)
	const { qr } = await engine.next('pairing.update', waiting, mark)
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	await engine.state('connected')
})

test('too many codes asked for: told as such', async () => {
	await simulator.faults({ pairing_code_error: 429 })
	await begin('code')
	const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'refused')
	assert.equal(error_code, 'pairing_rate_limited')
})

test('cancelled', async () => {
	await begin('qr')
	await engine.next('pairing.update', waiting)
	const mark = engine.mark
	await engine.call('pairing.cancel', { account: 'home' })
	await engine.next('pairing.update', ({ status }) => status === 'cancelled', mark)
	await engine.state('logged_out', mark)
})

test('by code', async () => {
	await begin('code')
	const { code } = await engine.next('pairing.update', params => params.code !== null)
	await simulator.call('POST', '/mock-phone/enter-code', { code })
	const { phone } = await engine.state('connected')
	assert.equal(phone, OWNER)
})

test('a code for a wrong number is refused, and a QR code works afterwards', async () => {
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	await engine.call('pairing.start', { account: 'home', method: 'code', phone: '+15559990000' })
	const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'refused')
	assert.equal(error_code, 'pairing_number_refused')
	const mark = engine.mark
	await engine.call('pairing.start', { account: 'home', method: 'qr' })
	const { qr } = await engine.next('pairing.update', waiting, mark)
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	await engine.state('connected')
})

test('a code asked for and never entered does not spoil the next start', async () => {
	await begin('code')
	await engine.next('pairing.update', params => params.code !== null)
	await engine.kill()
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	const { reason } = await engine.state('logged_out')
	assert.equal(reason, 'not_paired')
})

test('erased: unlinked at WhatsApp, and a new pairing is needed', async () => {
	engine = await EngineProcess.start(folder.path, simulator)
	await pair(engine, simulator)
	assert.deepEqual(await engine.call('account.erase', { account: 'home' }), { unlinked: true })
	const mark = engine.mark
	await engine.call('account.start', { account: 'home' })
	const { reason, phone } = await engine.state('logged_out', mark)
	assert.deepEqual([reason, phone], ['not_paired', null])
})

test('two engines never run one account', async () => {
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	const second = await EngineProcess.start(folder.path, simulator)
	await assert.rejects(
		second.call('account.start', { account: 'home' }),
		(error: RequestFailed) => error.code === 'account_locked'
	)
	await second.stop()
})

const SECOND = '+15551230055'

/** Links the account again, which only its own number may be. */
async function linkAgain(expected: string, method: 'qr' | 'code' = 'qr'): Promise<PairingUpdate> {
	const mark = engine.mark
	const phone = method === 'code' ? { phone: expected } : {}
	await engine.call('pairing.start', { account: 'home', method, expected_phone: expected, ...phone })
	return engine.next('pairing.update', ({ qr, code }) => (qr ?? code) !== null, mark)
}

test('another number scans: turned away before it is linked, and the right one still can', async () => {
	await simulator.try('POST', '/contacts', { phone: SECOND, name: 'Second' })
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	const { qr } = await linkAgain(OWNER)
	const scanned = await simulator.try('POST', `/mock-phone/scan-qr?phone=${encodeURIComponent(SECOND)}`, qr ?? '')
	assert.equal(scanned.answer.error, 'companion_refused')
	const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'refused')
	assert.equal(error_code, 'pairing_other_number')
	const { linked_devices } = await simulator.state()
	assert.ok(!linked_devices.some(({ phone, removed }) => phone === SECOND && !removed))
	const again = await linkAgain(OWNER)
	assert.notEqual(again.qr?.split(',')[1], qr?.split(',')[1], 'with new keys')
	await simulator.call('POST', '/mock-phone/scan-qr', again.qr)
	const { phone } = await engine.state('connected')
	assert.equal(phone, OWNER)
})

test('a code is asked for the expected number only', async () => {
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	const order = { account: 'home', method: 'code', phone: SECOND, expected_phone: OWNER }
	await assert.rejects(engine.call('pairing.start', order), { code: 'invalid_params' })
	const { code } = await linkAgain(OWNER, 'code')
	await simulator.call('POST', '/mock-phone/enter-code', { code })
	await engine.state('connected')
})

for (const [backoff, seconds] of [
	[{ pairing_code_backoff: 7200 }, 7200],
	[{}, 3600]
] as const) {
	test(`too many codes: told until when, ${seconds} s`, async () => {
		await simulator.faults({ pairing_code_error: 429, ...backoff })
		await begin('code')
		const { retry_at } = await engine.next('pairing.update', ({ status }) => status === 'refused')
		const wait = (Date.parse(retry_at ?? '') - Date.now()) / 1000
		assert.ok(Math.abs(wait - seconds) < 60, `${wait} s`)
	})
}

test('no answer to the request for a code: failed, not waited for for ever', async () => {
	await simulator.faults({ pairing_code_error: 599 })
	await begin('code', { ENGINE_CODE_ANSWER_MS: '0' })
	const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'failed')
	assert.equal(error_code, 'connect_timeout')
})

test('the phone went by a secret that is retired: told, and the next code works', async () => {
	await simulator.faults({ retired_secret: true })
	await begin('qr')
	const { qr } = await engine.next('pairing.update', waiting)
	const mark = engine.mark
	await simulator.try('POST', '/mock-phone/scan-qr', qr ?? '')
	const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'failed', mark)
	assert.equal(error_code, 'pairing_code_outdated')
	await simulator.clearFaults()
	await engine.call('pairing.start', { account: 'home', method: 'qr' })
	const { qr: next } = await engine.next('pairing.update', waiting, mark)
	await simulator.call('POST', '/mock-phone/scan-qr', next)
	await engine.state('connected')
})

for (const [code, error] of [
	[405, 'client_outdated'],
	[403, 'account_blocked']
] as const) {
	test(`WhatsApp lets nobody be linked (${code}): ${error}`, async () => {
		await simulator.faults({ login_failure: code })
		await begin('qr')
		const { error_code } = await engine.next('pairing.update', ({ status }) => status === 'failed')
		assert.equal(error_code, error)
	})
}
