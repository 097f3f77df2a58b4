/** A disk that takes nothing more: a clear state, nothing received or sent whose keys are not on it, and the same session when it does again. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
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
	await sendText(engine, ALICE, 'before')
})
afterEach(async () => {
	await engine.stop()
	folder.remove()
})

/** No file of the engine's may grow beyond this: what a full disk is to SQLite. */
const filesUpTo = (bytes: number | 'unlimited') => execFileSync('prlimit', [`--pid=${engine.pid}`, `--fsize=${bytes}:`])

test('full while running: failed with store_unusable, tried again by itself, and no message is lost', async () => {
	const mark = engine.mark
	filesUpTo(1)
	const { message_id } = await simulator.write(ALICE, { text: 'in bad times' })
	const failed = await engine.state('failed', mark)
	assert.equal(failed.reason, 'store_unusable')
	assert.notEqual(failed.retry_at, null)
	await assert.rejects(sendText(engine, ALICE, 'in bad times'), { code: 'not_connected' })
	await assert.rejects(engine.call('pairing.start', { account: 'home', method: 'qr' }), { code: 'store_unusable' })
	filesUpTo('unlimited')
	await engine.state('connected', mark, 40_000)
	const told = await engine.next('message.received', message => message.message_id === message_id)
	assert.equal(textOf(told), 'in bad times')
	await sendText(engine, ALICE, 'after')
	const texts = (await simulator.received(ALICE)).map(({ text }) => text)
	assert.deepEqual(texts.slice(-2), ['before', 'after'])
	assert.equal((await simulator.state()).linked_devices.length, 1)
	assert.deepEqual((await simulator.state()).violations, [])
})
