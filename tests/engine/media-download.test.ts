/** Files of received messages: fetched, decrypted and checked; asked for again where WhatsApp has them no more. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { messageId } from './engine-process.ts'
import type { EngineError } from '../../bridge-addon/engine/src/protocol.ts'
import { fileFault } from '../../bridge-addon/engine/src/receiving/download.ts'
import { ALICE, SendingStack } from './sending-stack.ts'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(() => stack.stop())

const LIMIT = 1024 * 1024

async function received(kind: string, size: number, where: object = {}) {
	const content = { kind, media: { mimetype: 'application/octet-stream', size } }
	const { message_id, sha256 } = await stack.simulator.write(ALICE, { content, ...where })
	await stack.engine.next('message.received', params => params.message_id === message_id)
	return { message_id, sha256 }
}

let files = 0
function download(message_id: string, options: { limit?: number; timeout?: number } = {}) {
	const path = stack.path(`file-${files++}`)
	const order = { account: 'home', message_id, path, limit: LIMIT, timeout: 20, ...options }
	return { path, done: stack.engine.call('media.download', order) }
}

const lose = (id: string, state: string) => stack.simulator.call('POST', `/messages/${id}/media`, { state })
const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

for (const kind of ['image', 'video', 'audio', 'voice', 'document', 'sticker']) {
	test(`the file of a ${kind}, of many sizes`, async () => {
		for (const size of [1, 15, 16, 17, 4096, 100_000]) {
			const { message_id, sha256 } = await received(kind, size)
			const { path, done } = download(message_id)
			assert.deepEqual(await done, { size, sha256 })
			assert.equal(hash(path), sha256)
			assert.equal(statSync(path).mode & 0o777, 0o600)
		}
	})
}

test('after a restart too', async () => {
	const { message_id, sha256 } = await received('image', 500)
	await stack.restartEngine()
	const { path, done } = download(message_id)
	await done
	assert.equal(hash(path), sha256)
})

for (const addressing of ['pn', 'lid']) {
	test(`gone from WhatsApp's host, but not from the sender's phone (${addressing}): it is put there again, once`, async () => {
		const group = await stack.simulator.group(`by ${addressing}`, [ALICE], addressing)
		for (const where of [{ addressing }, { group }]) {
			const { message_id, sha256 } = await received('image', 500, where)
			await lose(message_id, 'gone')
			const asked = async () => (await stack.simulator.state()).counts['files asked for again'] ?? 0
			const before_ = await asked()
			for (const { path, done } of [download(message_id), download(message_id)]) {
				await done
				assert.equal(hash(path), sha256)
			}
			await download(message_id).done
			assert.ok((await asked()) <= before_ + 2)
		}
		assert.deepEqual((await stack.simulator.state()).violations, [])
	})
}

test('what ends without a file leaves nothing behind', async () => {
	const gone = await received('image', 500)
	await lose(gone.message_id, 'gone everywhere')
	const damaged = await received('image', 500)
	await lose(damaged.message_id, 'damaged')
	const large = await received('image', 2000)
	const { message_id: text } = await stack.simulator.write(ALICE, { text: 'no file' })
	for (const [id, options, code] of [
		[gone.message_id, {}, 'media_gone'],
		[damaged.message_id, {}, 'media_damaged'],
		[large.message_id, { limit: 1999 }, 'media_too_large'],
		[text, {}, 'media_not_known'],
		[messageId(), {}, 'media_not_known']
	] as const) {
		const { path, done } = download(id, options)
		await assert.rejects(done, { code })
		assert.equal(existsSync(path), false)
	}
})

test('a disk that takes no file is no fault of WhatsApp', async () => {
	const { message_id } = await received('image', 100)
	const path = stack.path('no-such-folder/file')
	const order = { account: 'home', message_id, path, limit: LIMIT, timeout: 20 }
	await assert.rejects(stack.engine.call('media.download', order), { code: 'internal_error' })
	for (const code of ['ENOSPC', 'EDQUOT']) {
		const told = fileFault(Object.assign(new Error('write'), { code }))
		assert.equal((told as EngineError).code, 'storage_full')
	}
})

test('without a connection there is no download', async () => {
	const { message_id } = await received('image', 500)
	await stack.simulator.faults({ refuse_connections: true, drop: true })
	await stack.engine.state('reconnecting')
	await assert.rejects(download(message_id).done, { code: 'not_connected' })
	await stack.simulator.clearFaults()
})
