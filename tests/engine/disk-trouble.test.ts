/** A disk that takes nothing more: a clear state, nothing received or sent whose keys are not on it, and the same session when it does again. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, pair, sendText, temporaryFolder, textOf } from './engine-process.ts'

const ALICE = '+15551230001'
const PAGE = 4096

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
	await simulator.unlink()
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
	assert.equal((await simulator.state()).linked_devices.filter(({ removed }) => !removed).length, 1)
	assert.deepEqual((await simulator.state()).violations, [])
})

/** Overwrites all of the store but its first page, as it lies on the disk. */
function damageStore(): void {
	const path = join(folder.path, 'accounts/home/session.db')
	const file = openSync(path, 'r+')
	writeSync(file, Buffer.alloc(fstatSync(file).size - PAGE, 0xee), 0, undefined, PAGE)
	closeSync(file)
}

/** More than SQLite keeps in memory, so that it has to read the disk. */
async function fillStore(): Promise<void> {
	await engine.stop()
	const store = new DatabaseSync(join(folder.path, 'accounts/home/session.db'))
	store.exec(`
		WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 4000)
		INSERT INTO keys SELECT 'session', 'nobody.' || number, '"' || hex(randomblob(1000)) || '"' FROM numbers`)
	store.close()
	engine = await EngineProcess.start(folder.path, simulator, { ENGINE_KEEPALIVE_MS: '1000' })
	await engine.call('account.start', { account: 'home' })
	await engine.state('connected')
}

test('damaged while running: failed with store_unusable, no end of tries, nothing is erased, and no message is taken for unreadable', async () => {
	await fillStore()
	const mark = engine.mark
	damageStore()
	const bob = '+15551230002'
	await simulator.contact(bob)
	await simulator.write(bob, { text: 'whose key is not known' })
	const failed = await engine.state('failed', mark)
	assert.equal(failed.reason, 'store_unusable')
	assert.notEqual(failed.retry_at, null)
	await engine.next('account.state', ({ retry_at }) => retry_at !== null && retry_at !== failed.retry_at, engine.mark)
	assert.equal(engine.told('account.state', mark).filter(({ state }) => state === 'connected').length, 0)
	assert.equal(engine.told('message.received', mark).length, 0)
	await engine.call('ping')
	await engine.stop()
	// the next engine says the same, and leaves it as it is
	engine = await EngineProcess.start(folder.path, simulator)
	await assert.rejects(engine.call('account.start', { account: 'home' }), { code: 'store_unusable' })
	const { linked_devices: devices, counts } = await simulator.state()
	const linked = devices.filter(({ removed }) => !removed)
	assert.equal(linked.length, 1)
	assert.ok((linked[0]?.backlog ?? 0) > 0, 'WhatsApp still has the message')
	assert.equal(counts['retries asked by the linked device'], undefined)
})
