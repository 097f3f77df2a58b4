/** A copy of the store, put in its place later, is a session that works: never paired again, and nobody misses a message. */

import assert from 'node:assert/strict'
import { existsSync, rmSync, statSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, messageId, pair, sendText, temporaryFolder, textOf } from './engine-process.ts'

const [ALICE, BOB] = ['+15551230001', '+15551230002']

const folder = temporaryFolder()
const copy = join(folder.path, 'copy.db')
let simulator: SimulatorProcess
let engine: EngineProcess
let group: string

before(async () => {
	simulator = await SimulatorProcess.start()
	await simulator.contact(ALICE)
	await simulator.contact(BOB, { addressing: 'lid' })
	group = await simulator.group('Family', [ALICE, BOB])
	engine = await EngineProcess.start(folder.path, simulator)
	await pair(engine, simulator)
})
after(async () => {
	await engine.stop()
	await simulator.stop()
	folder.remove()
})

const talk = async (round: string) => {
	for (const to of [ALICE, BOB, group]) {
		const after_ = (await simulator.received(to === group ? BOB : to, -1, 0)).at(-1)?.index ?? -1
		const id = messageId()
		await sendText(engine, to, `${round} out`, id)
		const received = await simulator.received(to === group ? BOB : to, after_)
		assert.ok(received.some(message => message.message_id === id && message.text === `${round} out`))
	}
	for (const contact of [ALICE, BOB]) {
		await simulator.call('POST', `/contacts/${contact}/send`, { text: `${round} from ${contact}` })
		await engine.next('message.received', message => textOf(message) === `${round} from ${contact}`)
		await simulator.call('POST', `/contacts/${contact}/send`, { text: `${round} group ${contact}`, group })
		await engine.next('message.received', message => textOf(message) === `${round} group ${contact}`)
	}
}

test('only an account that runs is copied, and only to an absolute path', async () => {
	await assert.rejects(engine.call('account.backup', { account: 'home', path: 'copy.db' }), { code: 'invalid_params' })
	await assert.rejects(engine.call('account.backup', { account: 'other', path: copy }), { code: 'account_not_started' })
	const nowhere = join(folder.path, 'no folder/copy.db')
	await assert.rejects(engine.call('account.backup', { account: 'home', path: nowhere }), { code: 'store_unusable' })
	assert.equal(existsSync(nowhere), false)
})

test('a copy that is behind: linked as before, what is sent is read at the first try, what is written arrives', async () => {
	await talk('before')
	const { size } = await engine.call('account.backup', { account: 'home', path: copy })
	assert.equal(statSync(copy).size, size)
	assert.equal(statSync(copy).mode & 0o777, 0o600)
	// life goes on, and every ratchet with it
	for (const round of ['later', 'and later', 'still later']) await talk(round)
	await engine.stop()
	const store = join(folder.path, 'accounts/home/session.db')
	for (const suffix of ['', '-wal', '-shm']) rmSync(store + suffix, { force: true })
	copyFileSync(copy, store)
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	await engine.state('connected')
	assert.equal(
		engine.told('account.state').some(({ state }) => state === 'logged_out'),
		false
	)
	const asked = async () => (await simulator.state()).counts['retries asked by a recipient'] ?? 0
	const before = await asked()
	await talk('restored')
	assert.equal(await asked(), before, 'no recipient had to ask again')
	await engine.stop()
	// it is a store like any other from now on
	engine = await EngineProcess.start(folder.path, simulator)
	await engine.call('account.start', { account: 'home' })
	await engine.state('connected')
	assert.ok(!engine.output.includes('session_restored'))
	await talk('and again')
	assert.deepEqual((await simulator.state()).violations, [])
})
