/** What was received reaches the gateway, whoever dies on the way: told again with the same number until it is acknowledged. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, pair, temporaryFolder, textOf } from './engine-process.ts'

const ALICE = '+15551230001'

let simulator: SimulatorProcess
let engine: EngineProcess
let folder: ReturnType<typeof temporaryFolder>

before(async () => {
	simulator = await SimulatorProcess.start()
	await simulator.call('POST', '/contacts', { phone: ALICE, name: 'Alice' })
})
after(() => simulator.stop())
beforeEach(async () => {
	folder = temporaryFolder()
	engine = await EngineProcess.start(folder.path, simulator)
})
afterEach(async () => {
	await engine.stop()
	folder.remove()
	await simulator.unlink()
})

const write = (text: string) => simulator.call('POST', `/contacts/${ALICE}/send`, { text })
const told = () => engine.told('message.received').map(message => [message.delivery, textOf(message)])

async function toldAll(count: number): Promise<void> {
	await engine.next('message.received', () => engine.told('message.received').length >= count)
}

async function restart(delivery: number): Promise<void> {
	await engine.kill()
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home', delivery })
}

test('what the gateway did not acknowledge is told again, with the same numbers and before anything new', async () => {
	await pair(engine, simulator)
	for (const text of ['one', 'two', 'three']) await write(text)
	await toldAll(3)
	const before = told()
	await engine.call('event.acknowledge', { account: 'home', delivery: before[0]?.[0] ?? 0 })
	await restart(0)
	await engine.state('connected')
	await write('four')
	await toldAll(3)
	assert.deepEqual(told().slice(0, 2), before.slice(1))
	assert.deepEqual(told()[2], [Number(before[2]?.[0]) + 1, 'four'])
})

test('what the gateway has, as it says at the start, is not told again, and numbers go on behind it', async () => {
	await pair(engine, simulator)
	await write('one')
	await toldAll(1)
	await restart(500)
	await engine.state('connected')
	await write('two')
	await toldAll(1)
	assert.deepEqual(told(), [[501, 'two']])
})

test('what was received before the phone unlinked us is not lost with the credentials', async () => {
	await pair(engine, simulator)
	await write('one')
	await toldAll(1)
	const before = told()
	await simulator.call('POST', '/mock-phone/unlink')
	await engine.state('logged_out', engine.mark - 1)
	await restart(0)
	await toldAll(1)
	assert.deepEqual(told(), before)
})

test('an account that was never started is erased, also where its store is damaged', async () => {
	assert.deepEqual(await engine.call('account.erase', { account: 'home' }), { unlinked: false })
	await pair(engine, simulator)
	await engine.call('account.stop', { account: 'home' })
	const database = join(folder.path, 'accounts/home/session.db')
	writeFileSync(database, 'this is no database')
	await assert.rejects(engine.call('account.start', { account: 'home' }), { code: 'store_unusable' })
	assert.deepEqual(await engine.call('account.erase', { account: 'home' }), { unlinked: false })
	const mark = engine.mark
	await engine.call('account.start', { account: 'home' })
	const { reason } = await engine.state('logged_out', mark)
	assert.equal(reason, 'not_paired')
})
