/** SIGKILL at any moment under load: never asked to be linked again, and no message lost, told twice, out of order or left undecryptable. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, messageId, pair, sendText, temporaryFolder, textOf } from './engine-process.ts'

/** `ENGINE_KILLS=200` is the full size. */
const KILLS = Number(process.env.ENGINE_KILLS ?? 12)
const SEED = Number(process.env.ENGINE_KILLS_SEED ?? 1)
const PEOPLE = ['+15551230001', '+15551230002']

const folder = temporaryFolder()
let simulator: SimulatorProcess
let engine: EngineProcess

before(async () => {
	simulator = await SimulatorProcess.start()
	for (const phone of PEOPLE) await simulator.contact(phone, { addressing: phone === PEOPLE[0] ? 'pn' : 'lid' })
	engine = await EngineProcess.start(folder.path, simulator, { ENGINE_KEEPALIVE_MS: '1000' })
	await pair(engine, simulator)
})
after(async () => {
	await engine.stop()
	await simulator.stop()
	folder.remove()
})

/** Mulberry32: the same moments with the same seed. */
let state = SEED
function chance(): number {
	state = (state + 0x6d2b79f5) | 0
	let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
	mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
	return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const told = new Map<number, string>()
/** What a gateway would have in its log: each delivery number once. */
function collect(): number {
	for (const message of engine.told('message.received')) {
		const known = told.get(message.delivery)
		const line = `${message.sender.phone} ${textOf(message)}`
		assert.ok(known === undefined || known === line, 'a number is always the same message')
		told.set(message.delivery, line)
	}
	return Math.max(0, ...told.keys())
}

test(`${KILLS} kills`, { timeout: 60_000 + KILLS * 10_000 }, async t => {
	const over = new AbortController()
	const written: string[] = []
	const sent: { to: string; id: string }[] = []
	const writing = (async () => {
		for (let number = 0; !over.signal.aborted; number++) {
			const phone = PEOPLE[number % 2] as string
			await simulator.write(phone, { text: `${number}` })
			written.push(`${phone} ${number}`)
			await sleep(20 + 60 * chance())
		}
	})()
	const sending = (async () => {
		for (let number = 0; !over.signal.aborted; number++) {
			const to = PEOPLE[number % 2] as string
			const id = messageId()
			// as the gateway does: the same id until WhatsApp has it
			while (
				!(await sendText(engine, to, `${number}`, id).then(
					() => true,
					() => false
				))
			)
				await sleep(50)
			sent.push({ to, id })
			await sleep(20)
		}
	})()
	for (let kill = 0; kill < KILLS; kill++) {
		await sleep(100 + 1_400 * chance())
		await engine.kill()
		const delivery = collect()
		engine = await EngineProcess.start(folder.path, simulator, { ENGINE_KEEPALIVE_MS: '1000' })
		await engine.call('account.start', { account: 'home', delivery })
		if (chance() < 0.7) await engine.state('connected')
		assert.equal(
			engine.told('account.state').some(({ state }) => state === 'logged_out'),
			false,
			`after kill ${kill}`
		)
	}
	over.abort()
	await Promise.all([writing, sending])
	await engine.next('message.received', () => {
		collect()
		return told.size >= written.length
	})
	for (const phone of PEOPLE) {
		const of = (lines: Iterable<string>) => [...lines].filter(line => line.startsWith(phone))
		assert.deepEqual(of(told.values()), of(written))
		const ids = (await simulator.received(phone)).map(({ message_id }) => message_id)
		assert.deepEqual(
			ids,
			sent.filter(({ to }) => to === phone).map(({ id }) => id)
		)
	}
	// a retry heals, but nothing here had to be healed
	const { violations, counts, linked_devices: devices } = await simulator.state()
	assert.deepEqual(violations, [])
	assert.equal(counts['retries asked by the linked device'], undefined)
	assert.equal(counts['retries asked by a recipient'], undefined)
	assert.equal(devices.length, 1, 'linked once')
	await engine.stop()
	const store = new DatabaseSync(join(folder.path, 'accounts/home/session.db'))
	assert.equal(store.prepare('SELECT count(*) AS left FROM stanzas').get()?.left, 0, 'nothing is left to be told')
	store.close()
	t.diagnostic(`kills ${KILLS}, seed ${SEED}: in ${written.length}, out ${sent.length}, ${JSON.stringify(counts)}`)
})
