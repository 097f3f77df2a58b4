/** The version that we say we are: WhatsApp's present one where it can be known, the last known one where not, never an older one than Baileys'. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WhatsAppVersion } from '../../bridge-addon/engine/src/whatsapp-version.ts'
import { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, pair, temporaryFolder } from './engine-process.ts'

const PINNED = new WhatsAppVersion('/nowhere', 'ws://localhost').now[2]

let folder: ReturnType<typeof temporaryFolder>
let server: Server
let page = ''
let status = 200
let asked = 0
/** the page comes when this is done */
let held: Promise<void> = Promise.resolve()

const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/sw.js`

before(async () => {
	server = createServer((_, response) => {
		asked++
		void held.then(() => response.writeHead(status).end(page))
	}).listen(0, '127.0.0.1')
	await once(server, 'listening')
})
after(() => server.close())
beforeEach(() => {
	folder = temporaryFolder()
	process.env.ENGINE_WHATSAPP_VERSION_PAGE = address()
	status = 200
	page = `self.x={\\"client_revision\\":${PINNED + 5},\\"y\\":1}`
})
afterEach(() => {
	delete process.env.ENGINE_WHATSAPP_VERSION_PAGE
	folder.remove()
})

test('the one in the page of WhatsApp Web, also after a start without the internet', async () => {
	const version = new WhatsAppVersion(folder.path, null)
	assert.equal(await version.refresh(), true)
	assert.deepEqual(version.now, [2, 3000, PINNED + 5])
	assert.equal(await version.refresh(), false, 'the same again is not new')
	page = 'nothing'
	const again = new WhatsAppVersion(folder.path, null)
	assert.equal(await again.refresh(), false)
	assert.equal(again.now[2], PINNED + 5)
})

for (const [name, answer, code] of [
	['an error page', 'client_revision', 503],
	['a page without a number', '<html>hello</html>', 200],
	['a number that is older', `"client_revision":${PINNED - 5}`, 200],
	['a number that is none of theirs', '"client_revision":99999999999999999999', 200]
] as const) {
	test(`${name}: Baileys' own one`, async () => {
		;[page, status] = [answer, code]
		const version = new WhatsAppVersion(folder.path, null)
		assert.equal(await version.refresh(), false)
		assert.equal(version.now[2], PINNED)
	})
}

test("a file that somebody damaged: Baileys' own one", () => {
	writeFileSync(join(folder.path, 'whatsapp-version.json'), '{"revision": "new')
	assert.equal(new WhatsAppVersion(folder.path, null).now[2], PINNED)
})

test('nothing is asked where WhatsApp is played by somebody else', async () => {
	delete process.env.ENGINE_WHATSAPP_VERSION_PAGE
	const before = asked
	assert.equal(await new WhatsAppVersion(folder.path, 'ws://127.0.0.1:1').refresh(), false)
	assert.equal(asked, before)
})

test('too old for WhatsApp (405): back as soon as a newer version is found; without one it waits a quarter of an hour', async () => {
	const simulator = await SimulatorProcess.start()
	const engine = await EngineProcess.start(folder.path, simulator, { ENGINE_WHATSAPP_VERSION_PAGE: address() })
	try {
		await pair(engine, simulator)
		let release: () => void = () => undefined
		held = new Promise(resolve => {
			release = resolve
		})
		page = `"client_revision":${PINNED + 9}`
		let mark = engine.mark
		await simulator.faults({ login_failure: 405, drop: true })
		const waits = await engine.next('account.state', ({ reason }) => reason === 'client_outdated', mark)
		assert.equal(waits.state, 'reconnecting')
		assert.ok(Date.parse(waits.retry_at ?? '') > Date.now() + 14 * 60_000)
		await simulator.clearFaults()
		release()
		await engine.state('connected', mark)

		mark = engine.mark
		const before = asked
		await simulator.faults({ login_failure: 405, drop: true })
		await engine.next('account.state', ({ reason }) => reason === 'client_outdated', mark)
		await simulator.clearFaults()
		while (asked === before) await sleep(10)
		await assert.rejects(engine.state('connected', mark, 1_500))
	} finally {
		await engine.stop()
		await simulator.stop()
	}
})
