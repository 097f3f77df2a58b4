/** Secrets on disk: private, whole after a kill, archived before they go. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SessionStore } from '../../bridge-addon/engine/src/session-store.ts'
import { temporaryFolder } from './engine-process.ts'

const DAY = 24 * 3600 * 1000
const STORE = fileURLToPath(new URL('../../bridge-addon/engine/src/session-store.ts', import.meta.url))
let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
	folder = temporaryFolder()
})
afterEach(() => folder.remove())

test('what was set is there after it was opened again, bytes as bytes', () => {
	const store = new SessionStore(folder.path)
	store.set({ session: { 'a.0': Buffer.from([1, 2, 250]) }, 'lid-mapping': { '1555': '999' } })
	store.credentials.platform = 'android'
	store.saveCredentials()
	store.close()
	const again = new SessionStore(folder.path)
	assert.deepEqual(Buffer.from(again.get('session', ['a.0', 'b.0'])['a.0'] ?? []), Buffer.from([1, 2, 250]))
	assert.deepEqual(again.get('lid-mapping', ['1555']), { '1555': '999' })
	assert.equal(again.credentials.platform, 'android')
	again.set({ session: { 'a.0': null } })
	assert.deepEqual(again.get('session', ['a.0']), {})
	again.close()
})

test('only its owner can read it', () => {
	const store = new SessionStore(join(folder.path, 'account'))
	assert.equal(statSync(join(folder.path, 'account', 'session.db')).mode & 0o777, 0o600)
	assert.equal(statSync(join(folder.path, 'account')).mode & 0o777, 0o700)
	store.close()
})

test('a second opener is told that it is locked', () => {
	const store = new SessionStore(folder.path)
	assert.throws(() => new SessionStore(folder.path), { code: 'account_locked' })
	store.close()
})

test('a folder that can not be written: store_unusable', () => {
	assert.throws(() => new SessionStore('/dev/null/account'), { code: 'store_unusable' })
})

for (const [name, damage] of [
	['a page', (content: Buffer) => content.fill(0xee, content.length - 4096)],
	['the whole', (content: Buffer) => content.fill(0xee, 16)]
] as const) {
	test(`${name} of it is damaged: store_unusable, it is left as it is, and nothing holds it`, () => {
		const store = new SessionStore(folder.path)
		for (let id = 0; id < 50; id++) store.set({ session: { [`${id}.0`]: Buffer.alloc(1000, id) } })
		store.saveCredentials()
		store.close()
		const path = join(folder.path, 'session.db')
		const damaged = damage(readFileSync(path))
		writeFileSync(path, damaged)
		assert.throws(() => new SessionStore(folder.path), { code: 'store_unusable' })
		assert.throws(() => new SessionStore(folder.path), { code: 'store_unusable' })
		assert.deepEqual(readFileSync(path), damaged)
	})
}

test('a key that can not be read is told of as a failure of the store, which is not usable from then on', () => {
	const store = new SessionStore(folder.path)
	store.set({ session: { 'a.0': Buffer.from([1]) } })
	store.close()
	const database = new DatabaseSync(join(folder.path, 'session.db'))
	database.exec("UPDATE keys SET value = substr(value, 2) WHERE id = 'a.0'")
	database.close()
	const again = new SessionStore(folder.path)
	let failures = 0
	again.onFailure = () => failures++
	assert.equal(again.usable, true)
	assert.throws(() => again.get('session', ['a.0']))
	assert.deepEqual([failures, again.usable], [1, false])
	assert.throws(() => again.rows('SELECT no such thing'))
	assert.equal(failures, 2, 'whoever asked')
	again.close()
})

test('a clock that is put right by a day, either way, costs no message that was not told yet', () => {
	for (const jump of [-DAY, DAY]) {
		const store = new SessionStore(join(folder.path, `${jump}`))
		store.keepStanza('1', Buffer.from('stanza'))
		mock.timers.enable({ apis: ['Date'], now: Date.now() + jump })
		assert.equal(store.untoldStanzas().length, 1)
		mock.timers.reset()
		store.close()
	}
})

test('archived, then new: the old credentials are put aside, at most three of them', () => {
	const store = new SessionStore(folder.path)
	for (let times = 0; times < 5; times++) {
		const before = store.credentials.registrationId
		store.saveCredentials()
		store.archive()
		assert.notEqual(store.credentials.noiseKey, before)
	}
	store.close()
	assert.equal(readdirSync(join(folder.path, 'archive')).length, 3)
})

test('what is archived has the credentials and is private; what stays has the messages and no keys', () => {
	const store = new SessionStore(folder.path)
	const { registrationId } = store.credentials
	store.saveCredentials()
	store.set({ 'lid-mapping': { '1555': '999' } })
	store.keepSent('A', '+1555', { conversation: 'sent before' })
	const once = {
		chat: '+1555',
		sender: '+1555',
		messageId: 'B',
		address: { jid: '1555@s.whatsapp.net', participant: null }
	}
	store.keepDelivery({ delivery: 1, method: 'message.received', params: '{}' }, once, 0)
	store.archive()
	assert.equal(store.sent('A')?.message.conversation, 'sent before')
	assert.deepEqual(
		[...store.undelivered()].map(({ delivery }) => delivery),
		[1]
	)
	assert.equal(store.keepDelivery({ delivery: 2, method: 'message.received', params: '{}' }, once, 0), false)
	assert.deepEqual(store.get('lid-mapping', ['1555']), {})
	store.close()
	const [name] = readdirSync(join(folder.path, 'archive'))
	const archived = join(folder.path, 'archive', name ?? '')
	assert.equal(statSync(archived).mode & 0o777, 0o600)
	const database = new DatabaseSync(archived)
	const row = database.prepare('SELECT value FROM credentials').get()
	assert.equal(JSON.parse(String(row?.value)).registrationId, registrationId)
	database.close()
})

test('an attempt that came to nothing leaves neither credentials nor an archive', () => {
	const store = new SessionStore(folder.path)
	store.credentials.me = { id: '15550001000@s.whatsapp.net', name: '~' }
	store.saveCredentials()
	store.discard()
	store.close()
	const again = new SessionStore(folder.path)
	assert.equal(again.credentials.me, undefined)
	again.close()
	assert.ok(!existsSync(join(folder.path, 'archive')))
})

const address = { jid: '1555@s.whatsapp.net', participant: null }

test('a message is reported once', () => {
	const store = new SessionStore(folder.path)
	const kept = (delivery: number, chat: string) =>
		store.keepDelivery(
			{ delivery, method: 'message.received', params: '{}' },
			{ chat, sender: '+1555', messageId: 'A', address },
			0
		)
	assert.equal(kept(1, '+1555'), true)
	assert.equal(kept(2, '+1555'), false)
	assert.equal(kept(2, 'group:1'), true)
	assert.deepEqual(
		[...store.undelivered()].map(({ delivery }) => delivery),
		[1, 2]
	)
	store.close()
})

test('what was sent is kept for 7 days, what awaits votes and answers for 30', () => {
	const day = 24 * 3600 * 1000
	mock.timers.enable({ apis: ['Date'], now: Date.now() })
	const store = new SessionStore(folder.path)
	try {
		const messageSecret = Buffer.alloc(32, 7)
		store.keepSent('TEXT', '+1555', { extendedTextMessage: { text: 'x' } })
		store.keepSent('POLL', '+1555', { pollCreationMessageV3: { name: '?' }, messageContextInfo: { messageSecret } })
		store.keepSent('EVENT', '+1555', { eventMessage: { name: 'x' } })
		const kept = (days: number) => {
			mock.timers.tick(days * day)
			for (let write = 0; write < 500; write++) {
				const once = { chat: '+1555', sender: '+1555', messageId: `${days} ${write}`, address }
				const delivery = store.newestDelivery() + 1
				store.keepDelivery({ delivery, method: 'message.received', params: '{}' }, once, 0)
			}
			return ['TEXT', 'POLL', 'EVENT'].filter(id => store.sent(id))
		}
		assert.deepEqual(kept(6), ['TEXT', 'POLL', 'EVENT'])
		assert.deepEqual(kept(2), ['POLL', 'EVENT'])
		const { messageSecret: secret } = store.sent('POLL')?.message.messageContextInfo ?? {}
		assert.deepEqual(Buffer.from(secret ?? []), messageSecret)
		assert.deepEqual(kept(21), ['POLL', 'EVENT'])
		assert.deepEqual(kept(2), [])
	} finally {
		store.close()
		mock.timers.reset()
	}
})

test('killed in the middle of writing: each commit is there whole or not at all', async () => {
	const script = `
		import { SessionStore } from ${JSON.stringify(STORE)}
		const store = new SessionStore(process.argv[1])
		for (let n = 0; ; n++) {
			store.set({ session: { a: Buffer.from(String(n)), b: Buffer.from(String(n)) } })
			process.stdout.write(n + '\\n')
		}`
	for (let times = 0; times < 5; times++) {
		const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder.path], {
			stdio: ['ignore', 'pipe', 'inherit']
		})
		let said = ''
		child.stdout.on('data', data => {
			said += data
			if (said.length > 200 * (times + 1)) child.kill('SIGKILL')
		})
		await once(child, 'exit')
		const store = new SessionStore(folder.path)
		const { a, b } = store.get('session', ['a', 'b'])
		assert.deepEqual(a, b)
		const lastSaid = Number(said.split('\n').at(-2))
		assert.ok(Number(Buffer.from(a ?? []).toString()) >= lastSaid, 'what was acknowledged is on disk')
		store.close()
	}
})

test('a store that a newer engine wrote is left as it is', () => {
	new SessionStore(folder.path).close()
	const database = new DatabaseSync(join(folder.path, 'session.db'))
	database.exec('PRAGMA user_version = 999')
	database.close()
	assert.throws(() => new SessionStore(folder.path), { code: 'store_unusable' })
	const again = new DatabaseSync(join(folder.path, 'session.db'))
	assert.equal(again.prepare('PRAGMA user_version').get()?.user_version, 999)
	again.close()
})

test('a store from before there were versions is taken on, with all that it holds', () => {
	const store = new SessionStore(folder.path)
	store.set({ session: { a: Buffer.from('kept') } })
	store.close()
	const database = new DatabaseSync(join(folder.path, 'session.db'))
	database.exec('DROP TABLE copied; DROP TABLE addresses; DROP TABLE contacts; PRAGMA user_version = 0')
	database.close()
	const again = new SessionStore(folder.path)
	assert.deepEqual(Buffer.from(again.get('session', ['a']).a ?? []), Buffer.from('kept'))
	again.close()
})

test('a copy begins new sessions for what it sends, and its pre-keys are no old ones', () => {
	const open = { _sessions: { key: { indexInfo: { closed: -1 } } }, version: 'v1' }
	const store = new SessionStore(folder.path)
	store.credentials.me = { id: '15550001000:3@s.whatsapp.net', lid: '900:3@lid' }
	store.saveCredentials()
	const senderKeys = ['1@g.us::15550001000::3', '1@g.us::900_1::3', '1@g.us::15551230001::0']
	store.set({
		session: { '1555.0': open as unknown as Uint8Array },
		'sender-key-memory': { '1@g.us': { '1555.0': true } },
		'sender-key': Object.fromEntries(senderKeys.map(id => [id, Buffer.from(id)]))
	})
	const { nextPreKeyId } = store.credentials
	store.copyTo(join(folder.path, 'copy.db'))
	assert.equal(
		JSON.stringify(store.get('session', ['1555.0'])['1555.0']),
		JSON.stringify(open),
		'the store itself is as it was'
	)
	store.close()
	const other = join(folder.path, 'other')
	mkdirSync(other)
	renameSync(join(folder.path, 'copy.db'), join(other, 'session.db'))
	for (const times of [1, 2]) {
		const copy = new SessionStore(other)
		const session = copy.get('session', ['1555.0'])['1555.0'] as unknown as typeof open
		assert.ok(session._sessions.key.indexInfo.closed > 0)
		assert.deepEqual(copy.get('sender-key-memory', ['1@g.us']), {})
		assert.deepEqual(Object.keys(copy.get('sender-key', senderKeys)), senderKeys.slice(2))
		assert.equal(copy.credentials.nextPreKeyId, nextPreKeyId + 10_000, `opened ${times} times`)
		assert.equal(copy.credentials.firstUnuploadedPreKeyId, copy.credentials.nextPreKeyId)
		copy.close()
	}
})
