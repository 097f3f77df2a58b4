/** Status posts reach their audience alone; channels get what all may read. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { messageId } from './engine-process.ts'
import { PICTURE, SOUND } from './media-files.ts'
import { ALICE, BOB, decrypted, SendingStack, STRANGER } from './sending-stack.ts'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(() => stack.stop())

test('a status post of each kind: the audience and the own phone see it', async () => {
	const image = stack.file('image/jpeg', PICTURE)
	const video = stack.file('video/mp4', PICTURE)
	const voice = stack.file('audio/ogg; codecs=opus', SOUND)
	for (const [content, expected] of [
		[
			{ type: 'text', text: 'sunny' },
			{ kind: 'text', text: 'sunny', preview: null, background: 0xff075e54 }
		],
		[
			{ type: 'image', media: image.media, caption: 'sun' },
			{ kind: 'image', media: image.seen, caption: 'sun' }
		],
		[
			{ type: 'video', media: video.media },
			{ kind: 'video', media: video.seen, caption: null, gif: false }
		],
		[
			{ type: 'voice', media: voice.media },
			{ kind: 'voice', media: voice.seen }
		]
	]) {
		await stack.arrives('status', content ?? {}, expected ?? {}, { audience: [ALICE, STRANGER] })
	}
})

test('who is not of the audience does not see it, though of that of the post before', async () => {
	const [first, second, third] = [messageId(), messageId(), messageId()]
	await stack.send('status', { type: 'text', text: 'both' }, { id: first, audience: [ALICE, BOB] })
	await stack.send('status', { type: 'text', text: 'Alice' }, { id: second, audience: [`lid:${stack.aliceLid}`] })
	await stack.send(BOB, { type: 'text', text: 'hello' }, { id: third })
	assert.equal((await stack.byAlice(second)).chat, 'status')
	await decrypted(index => stack.simulator.received(BOB, index), third)
	assert.deepEqual(
		(await stack.simulator.received(BOB)).map(({ message_id }) => message_id),
		[first, third]
	)
})

test('a channel: text, picture and video; edited and revoked', async () => {
	const channel = await stack.simulator.channel('News')
	const image = stack.file('image/jpeg', PICTURE)
	const video = stack.file('video/mp4', PICTURE)
	const text = messageId()
	await stack.send(channel, { type: 'text', text: 'News' }, { id: text })
	await stack.send(channel, { type: 'image', media: image.media, caption: 'first' })
	await stack.send(channel, { type: 'video', media: video.media })
	await stack.send(channel, { type: 'edit', message_id: text, text: 'Good news' })
	await stack.send(channel, { type: 'revoke', message_id: text })
	const posts = await stack.simulator.posts(channel, -1)
	assert.deepEqual(
		posts.map(({ content }) => content),
		[
			{ kind: 'text', text: 'News', preview: null },
			{ kind: 'image', media: image.seen, caption: 'first' },
			{ kind: 'video', media: video.seen, caption: null, gif: false },
			{ kind: 'edit', message_id: text, of: 'text', text: 'Good news' },
			{ kind: 'revoke', message_id: text }
		]
	)
})

test('nothing was refused by a phone or by WhatsApp', async () => {
	assert.deepEqual((await stack.simulator.state()).violations, [])
})
