/** A message that is sent twice, or asked for again, is the same message: its secrets, its file, its place. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { messageId } from './engine-process.ts'
import { PICTURE, SOUND } from './media-files.ts'
import { ALICE, BOB, SendingStack } from './sending-stack.ts'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(() => stack.stop())

/** Each kind, as it is sent after a first text of ours. */
const kinds = (first: string): [kind: string, content: object][] => [
	['text', { type: 'text', text: 'again' }],
	['image', { type: 'image', media: stack.file('image/jpeg', PICTURE).media, view_once: true }],
	['video', { type: 'video', media: stack.file('video/mp4', PICTURE).media }],
	['audio', { type: 'audio', media: stack.file('audio/mpeg').media }],
	['voice', { type: 'voice', media: stack.file('audio/ogg; codecs=opus', SOUND).media }],
	['document', { type: 'document', media: stack.file('application/pdf').media, file_name: 'a.pdf' }],
	['sticker', { type: 'sticker', media: stack.file('image/webp').media }],
	['location', { type: 'location', latitude: 1, longitude: 2 }],
	['contacts', { type: 'contacts', contacts: [{ name: 'Bob', phones: [BOB] }] }],
	['poll', { type: 'poll', question: 'Well?', options: ['a', 'b'], selectable: 1 }],
	['event', { type: 'event', name: 'Dinner', start: '2026-12-24T18:00:00.000Z' }],
	['album', { type: 'album', images: 2, videos: 0 }],
	['reaction', { type: 'reaction', message_id: first, emoji: '👍' }],
	['text', { type: 'forward', message_id: first }],
	['edit', { type: 'edit', message_id: first, text: 'changed' }],
	['revoke', { type: 'revoke', message_id: first }]
]

for (const [name, chat] of Object.entries({
	'a person': async () => ALICE as string,
	'a group by number': () => stack.simulator.group('By number', [ALICE, BOB], 'pn'),
	'a group by LID': () => stack.simulator.group('By LID', [ALICE, BOB], 'lid')
})) {
	void describe(name, () => {
		test('each kind comes once more to a phone that could not decrypt it', async () => {
			const to = await chat()
			const first = messageId()
			await stack.send(to, { type: 'text', text: 'first' }, { id: first })
			await stack.byAlice(first)
			for (const [kind, content] of kinds(first)) {
				const healed = (await stack.simulator.state()).counts['healed by a retry'] ?? 0
				await stack.simulator.call('POST', `/contacts/${ALICE}/behaviour`, { decrypt: 'retry-once' })
				const id = messageId()
				await stack.send(to, content, { id })
				assert.equal((await stack.byAlice(id)).content.kind, kind)
				while (((await stack.simulator.state()).counts['healed by a retry'] ?? 0) === healed)
					await stack.engine.next('message.status', ({ message_id }) => message_id === id)
			}
		})
	})
}

test('a status post comes once more, to whom it was for', async () => {
	await stack.simulator.call('POST', `/contacts/${ALICE}/behaviour`, { decrypt: 'retry-once' })
	const healed = (await stack.simulator.state()).counts['healed by a retry'] ?? 0
	const id = messageId()
	await stack.send('status', { type: 'text', text: 'sunny' }, { id, audience: [ALICE] })
	assert.equal((await stack.byAlice(id)).chat, 'status')
	await stack.engine.next(
		'message.status',
		({ message_id, recipient, status }) => message_id === id && recipient === ALICE && status === 'delivered'
	)
	assert.equal((await stack.simulator.state()).counts['healed by a retry'], healed + 1)
})

test('the same id again: no second upload, also in a new process, and one message', async () => {
	const id = messageId()
	const { media, seen } = stack.file('image/jpeg', PICTURE)
	const uploads = await stack.uploads()
	await stack.arrives(ALICE, { type: 'image', media }, { kind: 'image', media: seen, caption: null }, { id })
	await stack.send(ALICE, { type: 'image', media }, { id })
	await stack.restartEngine()
	await stack.send(ALICE, { type: 'image', media: { ...media, path: '/gone' } }, { id })
	assert.equal(await stack.uploads(), uploads + 1)
	assert.equal((await stack.simulator.received(ALICE)).filter(({ message_id }) => message_id === id).length, 1)
})

test('a link that dies after the upload: the same id needs no other one', async () => {
	const id = messageId()
	const { media } = stack.file('video/mp4', PICTURE)
	const uploads = await stack.uploads()
	await stack.simulator.faults({ acks: 'none' })
	await assert.rejects(stack.send(ALICE, { type: 'video', media }, { id, timeout: 2 }), {
		code: 'acknowledgement_timeout'
	})
	await stack.simulator.clearFaults()
	await stack.send(ALICE, { type: 'video', media }, { id })
	assert.equal(await stack.uploads(), uploads + 1)
})

test('nothing was refused by a phone or by WhatsApp', async () => {
	assert.deepEqual((await stack.simulator.state()).violations, [])
})
