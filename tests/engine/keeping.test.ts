/** What came in is on the disk before anything is answered, and nothing is answered where it cannot be written. */

import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { mock, test } from 'node:test'
import { Caches, Connection, type ConnectionEvents, LOST } from '../../bridge-addon/engine/src/connection.ts'
import { SessionStore } from '../../bridge-addon/engine/src/session-store.ts'
import { WhatsAppVersion } from '../../bridge-addon/engine/src/whatsapp-version.ts'
import { temporaryFolder } from './engine-process.ts'

test('no byte leaves before what came in was written', () => {
	const folder = temporaryFolder()
	const store = new SessionStore(folder.path)
	const url = 'ws://127.0.0.1:9'
	const listener = () => undefined
	const events = new Proxy({}, { get: () => listener }) as ConnectionEvents
	const whatsapp = { url, version: new WhatsAppVersion(folder.path, url) }
	const connection = new Connection(store, new Caches(), whatsapp, events)
	try {
		mock.method(store, 'writeArrived', () => {
			throw new Error('the disk is full')
		})
		// else it would fail because the link does not stand
		assert.throws(() => connection.socket.ws.send('an answer'), { message: 'the disk is full' })
	} finally {
		connection.giveUp({ code: LOST })
		store.close()
		folder.remove()
	}
})

for (const [name, write] of [
	['with the step that decrypts it', (store: SessionStore) => store.set({ session: { 'a.0': Buffer.from([1]) } })],
	['before something leaves', (store: SessionStore) => store.writeArrived()]
] as const) {
	test(`what came in is written ${name}`, () => {
		const folder = temporaryFolder()
		const died = join(folder.path, 'died')
		const store = new SessionStore(join(folder.path, 'lives'))
		store.keepStanza('A', Buffer.from('came in'))
		write(store)
		cpSync(join(folder.path, 'lives'), died, { recursive: true })
		const after = new SessionStore(died)
		assert.deepEqual(after.untoldStanzas(), [Buffer.from('came in')])
		after.close()
		store.close()
		folder.remove()
	})
}
