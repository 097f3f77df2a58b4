/** What comes in otherwise than from somebody to us: channels, status posts, what only the phone may see, and repetitions. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { ALICE, BOB, SendingStack } from './sending-stack.ts'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(async () => {
	const { violations, unanswered } = await stack.simulator.state()
	await stack.stop()
	assert.deepEqual(violations, [])
	assert.deepEqual(unanswered, [])
})

const told = (id: string) => stack.engine.next('message.received', ({ message_id }) => message_id === id)
const count = (id: string) => stack.engine.told('message.received').filter(one => one.message_id === id).length

test('a post of a channel, and its picture, which is not encrypted', async () => {
	const channel = await stack.simulator.channel('News')
	const post = (content: object) =>
		stack.simulator.call<{ message_id: string; sha256: string }>('POST', `/channels/${channel}/posts`, { content })
	const text = await told((await post({ kind: 'text', text: 'It rains' })).message_id)
	assert.deepEqual(text.chat, { id: channel, type: 'channel' })
	assert.deepEqual(text.sender, { phone: null, lid: null, push_name: null })
	assert.deepEqual(text.content, { type: 'text', text: 'It rains', link_preview: null })
	const { message_id, sha256 } = await post({ kind: 'image', media: { mimetype: 'image/jpeg', size: 5_000 } })
	await told(message_id)
	const path = stack.path('post')
	await stack.engine.call('media.download', { account: 'home', message_id, path, limit: 10_000, timeout: 20 })
	assert.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), sha256)
})

for (const addressing of ['pn', 'lid']) {
	test(`a status post by ${addressing}, and its picture`, async () => {
		const post = (content: object) => stack.simulator.write(ALICE, { content, addressing, status: true })
		const { chat, sender, content } = await told((await post({ kind: 'text', text: 'At the sea' })).message_id)
		assert.deepEqual([chat, sender.phone], [{ id: 'status', type: 'status' }, ALICE])
		assert.equal(content.type === 'text' && content.text, 'At the sea')
		const picture = await post({ kind: 'image', media: { mimetype: 'image/jpeg', size: 500 } })
		await told(picture.message_id)
		const path = stack.path(`status-${addressing}`)
		const order = { account: 'home', message_id: picture.message_id, path, limit: 10_000, timeout: 20 }
		assert.equal((await stack.engine.call('media.download', order)).sha256, picture.sha256)
	})

	for (const inGroup of [false, true]) {
		test(`what is to be viewed once, by ${addressing}${inGroup ? ' in a group' : ''}: that it is there, and no more`, async () => {
			const group = inGroup ? await stack.simulator.group('Once', [ALICE, BOB], addressing) : undefined
			const content = { kind: 'image', media: { mimetype: 'image/jpeg', size: 500 }, view_once: true }
			const { message_id } = await stack.simulator.write(ALICE, { content, addressing, group })
			const message = await told(message_id)
			assert.deepEqual([message.chat.id, message.sender.phone], [group ?? ALICE, ALICE])
			assert.deepEqual(message.content, { type: 'unsupported', kind: 'viewOnceMessage' })
			assert.equal(message.view_once, true)
			const order = { account: 'home', message_id, path: stack.path('once'), limit: 10_000, timeout: 20 }
			await assert.rejects(stack.engine.call('media.download', order), { code: 'media_not_known' })
		})
	}

	test(`a message that comes again, by ${addressing}, is told once, also after a restart`, async () => {
		const group = await stack.simulator.group(`Again by ${addressing}`, [ALICE, BOB], addressing)
		const written = [
			await stack.simulator.write(ALICE, { text: 'once', addressing }),
			await stack.simulator.write(ALICE, { text: 'once', group })
		]
		for (const { message_id } of written) await told(message_id)
		const again = async () => {
			for (const { message_id } of written)
				for (const same of [true, false]) await stack.simulator.call('POST', `/messages/${message_id}/again`, { same })
			await told((await stack.simulator.write(ALICE, { text: 'behind them', addressing })).message_id)
		}
		await again()
		assert.deepEqual(
			written.map(({ message_id }) => count(message_id)),
			[1, 1]
		)
		await stack.restartEngine()
		await again()
		assert.deepEqual(
			written.map(({ message_id }) => count(message_id)),
			[1, 1]
		)
	})
}
