/** What was decrypted is on the disk for as long as WhatsApp might send it again, and no longer: also on a link that never breaks. */

import assert from 'node:assert/strict'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, pair, temporaryFolder } from './engine-process.ts'
import { eventually } from './eventually.ts'

const ALICE = '+15551230001'

/** Looks at a copy of the files: the engine has the store for itself. A copy that was made in the middle of a change is made again. */
function plaintextsIn(folder: string): number | undefined {
	const copy = join(folder, 'looked-at.db')
	for (const suffix of ['', '-wal', '-shm']) {
		rmSync(`${copy}${suffix}`, { force: true })
		const file = join(folder, `accounts/home/session.db${suffix}`)
		if (suffix !== '-shm' && existsSync(file)) cpSync(file, `${copy}${suffix}`)
	}
	const database = new DatabaseSync(copy)
	try {
		return Number(database.prepare('SELECT count(*) AS count FROM plaintexts').get()?.count)
	} catch {
		return undefined
	} finally {
		database.close()
	}
}

test('a text that was told is gone from the store soon, without a new connection', async () => {
	const folder = temporaryFolder()
	const simulator = await SimulatorProcess.start()
	await simulator.contact(ALICE)
	const engine = await EngineProcess.start(folder.path, simulator, { ENGINE_KEEPALIVE_MS: '500' })
	try {
		await pair(engine, simulator)
		const { message_id } = await simulator.write(ALICE, { text: 'for nobody else' })
		await engine.next('message.received', message => message.message_id === message_id)
		assert.notEqual(plaintextsIn(folder.path), 0)
		await eventually(async () => plaintextsIn(folder.path) === 0)
		assert.ok(engine.told('account.state').every(({ state }) => state !== 'reconnecting'))
	} finally {
		await engine.stop()
		await simulator.stop()
		folder.remove()
	}
})
