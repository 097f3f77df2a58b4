/** A link that breaks in each known way: the state says so at once, and it comes back where it can. */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, pair, sendText, temporaryFolder, textOf } from './engine-process.ts'

const ALICE = '+15551230001'

let simulator: SimulatorProcess
let engine: EngineProcess
let folder: ReturnType<typeof temporaryFolder>

before(async () => {
	simulator = await SimulatorProcess.start()
	await simulator.contact(ALICE)
})
after(() => simulator.stop())
beforeEach(async () => {
	folder = temporaryFolder()
	engine = await EngineProcess.start(folder.path, simulator, { ENGINE_KEEPALIVE_MS: '1000' })
	await pair(engine, simulator)
})
afterEach(async () => {
	await simulator.clearFaults()
	await engine.stop()
	folder.remove()
	await simulator.unlink()
})

const works = async () => {
	await sendText(engine, ALICE, 'it works')
	const { message_id } = await simulator.write(ALICE, { text: 'both ways' })
	await engine.next('message.received', params => params.message_id === message_id)
}

const PASSING = [
	['a drop', { drop: true }, 'connection_lost'],
	['a restart that WhatsApp asks for (515)', { stream_error: 515 }, 'restart_required'],
	['a busy server (503)', { stream_error: 503 }, 'server_unavailable'],
	['an unknown stream error (500)', { stream_error: 500 }, 'stream_error']
] as const

for (const [name, fault, reason] of PASSING) {
	test(`${name}: reconnecting with its reason, then connected again`, async () => {
		const mark = engine.mark
		await simulator.faults(fault)
		const lost = await engine.state('reconnecting', mark, 1000)
		assert.equal(lost.reason, reason)
		await engine.state('connected', mark)
		await works()
	})
}

test('an upgrade answered with HTTP 503 is noticed, and it is back soon after', async () => {
	const mark = engine.mark
	await simulator.faults({ upgrade_status: 503, drop: true })
	const refused = await engine.next('account.state', ({ reason }) => reason === 'server_unavailable', mark)
	assert.equal(refused.state, 'reconnecting')
	assert.ok(Date.parse(refused.retry_at ?? '') > Date.now() - 1000)
	await simulator.clearFaults()
	await engine.state('connected', engine.mark)
	await works()
})

test('a port that answers with a reset: it goes on trying', async () => {
	const mark = engine.mark
	await simulator.faults({ refuse_connections: true, drop: true })
	await engine.next('account.state', ({ state, retry_at }) => state === 'reconnecting' && retry_at !== null, mark)
	await simulator.clearFaults()
	await engine.state('connected', mark)
	await works()
})

test('silence (half-open): noticed after two and a half keepalives', async () => {
	const mark = engine.mark
	await simulator.faults({ silent: true })
	const { reason } = await engine.state('reconnecting', mark, 5000)
	assert.equal(reason, 'connection_lost')
	await simulator.clearFaults()
	await engine.state('connected', mark, 30_000)
	await works()
})

test('unlinked on the phone (401): logged out at once, credentials archived, and a new scan links it again', async () => {
	const mark = engine.mark
	await simulator.call('POST', '/mock-phone/unlink')
	const { reason, phone } = await engine.state('logged_out', mark, 1000)
	assert.deepEqual([reason, phone], ['unlinked', null])
	await engine.call('pairing.start', { account: 'home', method: 'qr' })
	const { qr } = await engine.next('pairing.update', params => params.qr !== null, mark)
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	await engine.state('connected', mark)
	await works()
})

test('replaced (440): it stops, and does not fight', async () => {
	const mark = engine.mark
	await simulator.faults({ stream_error: 440 })
	const { reason, retry_at } = await engine.state('replaced', mark)
	assert.deepEqual([reason, retry_at], ['replaced', null])
	await assert.rejects(sendText(engine, ALICE, 'x'), { code: 'not_connected' })
})

test('banned (403): blocked, and no further try', async () => {
	const mark = engine.mark
	await simulator.faults({ login_failure: 403, drop: true })
	const { reason, retry_at } = await engine.state('blocked', mark)
	assert.deepEqual([reason, retry_at], ['banned', null])
})

test('a restart keeps the link, and what came meanwhile is told as backlog', async () => {
	assert.equal(await engine.stop(), 0)
	await simulator.write(ALICE, { text: 'while you were away' })
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	await engine.state('connected')
	await engine.next('message.received', message => textOf(message) === 'while you were away')
})

test(
	'twenty kills under load: never asked to pair again, every message decryptable',
	{
		timeout: 100_000
	},
	async () => {
		for (let kill = 0; kill < 20; kill++) {
			const sending = Array.from({ length: 3 }, (_, index) =>
				sendText(engine, ALICE, `kill ${kill} ${index}`).catch(() => undefined)
			)
			await Promise.race([...sending, simulator.write(ALICE, { text: `in ${kill}` })])
			await engine.kill()
			engine = await EngineProcess.start(folder.path, simulator, { ENGINE_KEEPALIVE_MS: '1000' })
			await engine.call('account.start', { account: 'home' })
			await engine.state('connected')
			assert.equal(
				engine.told('account.state').some(({ state }) => state === 'logged_out'),
				false
			)
		}
		await works()
		assert.deepEqual((await simulator.state()).violations, [])
	}
)
