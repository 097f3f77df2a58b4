/** What can't be sent is refused with its reason, and never "sent". */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { refuseLateEdit } from '../../bridge-addon/engine/src/sending/possible.ts'
import { vcard } from '../../bridge-addon/engine/src/sending/vcard.ts'
import { messageId } from './engine-process.ts'
import { PICTURE } from './media-files.ts'
import { ALICE, BOB, SendingStack, STRANGER } from './sending-stack.ts'

let stack: SendingStack
let group = ''
let channel = ''
before(async () => {
	stack = await SendingStack.start()
	group = await stack.simulator.group('Family', [ALICE])
	channel = await stack.simulator.channel('News')
})
after(() => stack.stop())
afterEach(() => stack.simulator.clearFaults())

const refused = (code: string, to: string, content: object, beside: object = {}) =>
	assert.rejects(stack.send(to, content, beside), { code })

test('edit, revoke, forward and album of what is not kept: message_not_kept', async () => {
	const message_id = messageId()
	await refused('message_not_kept', ALICE, { type: 'edit', message_id, text: 'x' })
	await refused('message_not_kept', ALICE, { type: 'revoke', message_id })
	await refused('message_not_kept', ALICE, { type: 'forward', message_id })
	const { media } = stack.file('image/jpeg')
	await refused('message_not_kept', ALICE, { type: 'image', media, album: message_id })
})

test('a message of another chat is not changed here', async () => {
	const message_id = messageId()
	await stack.send(BOB, { type: 'text', text: 'to Bob' }, { id: message_id })
	await refused('message_not_kept', ALICE, { type: 'edit', message_id, text: 'x' })
	await refused('message_not_kept', ALICE, { type: 'revoke', message_id })
	const { media } = stack.file('image/jpeg')
	await refused('message_not_kept', BOB, { type: 'image', media, album: message_id })
})

test('only words are edited, and what is seen once is neither edited nor forwarded', async () => {
	const id = messageId()
	await stack.send(ALICE, { type: 'location', latitude: 1, longitude: 2 }, { id })
	await refused('not_possible_here', ALICE, { type: 'edit', message_id: id, text: 'x' })
	const secret = messageId()
	await stack.send(ALICE, { type: 'image', media: stack.file('image/jpeg').media, view_once: true }, { id: secret })
	await refused('not_possible_here', ALICE, { type: 'edit', message_id: secret, text: 'x' })
	await refused('not_possible_here', ALICE, { type: 'forward', message_id: secret })
})

test('after 15 minutes nothing is edited', () => {
	assert.throws(() => refuseLateEdit(Date.now() - 15 * 60_000 - 1), { code: 'not_possible_here' })
	refuseLateEdit(Date.now() - 14 * 60_000)
})

test('a line break in a contact adds no line of its own', () => {
	const contact = { name: 'A\nTEL:1', phones: [BOB], organization: 'B\r\nTEL:2', email: 'c\nTEL:3' }
	assert.equal(vcard(contact).match(/^TEL/gm)?.length, 1)
})

test('what is seen once leaves its key in no quote', async () => {
	const secret = messageId()
	await stack.send(ALICE, { type: 'image', media: stack.file('image/jpeg').media, view_once: true }, { id: secret })
	const id = messageId()
	await stack.send(ALICE, { type: 'text', text: 'seen?' }, { id, quote: { message_id: secret, text: 'a picture' } })
	const { quote } = (await stack.byAlice(id)).content
	assert.deepEqual((quote as { kind: string; text: string }).kind, 'conversation')
})

test('to a channel or as status goes only what phones show there', async () => {
	const media = stack.file('application/pdf').media
	const poll = { type: 'poll', question: 'x', options: ['a', 'b'], selectable: 1 }
	await refused('not_possible_here', channel, { type: 'document', media, file_name: 'a.pdf' })
	await refused('not_possible_here', channel, poll)
	await refused('not_possible_here', channel, { type: 'reaction', message_id: messageId(), emoji: 'x' })
	await refused('not_possible_here', channel, { type: 'text', text: 'x' }, { forwarded: true })
	await refused('not_possible_here', 'status', poll, { audience: [ALICE] })
	await refused('not_possible_here', 'status', { type: 'revoke', message_id: messageId() }, { audience: [ALICE] })
})

test('a channel or group that is not there: rejected, with the code of WhatsApp', async () => {
	await assert.rejects(stack.send('channel:120363000000000001', { type: 'text', text: 'x' }), {
		code: 'message_rejected',
		whatsappCode: 404
	})
	await assert.rejects(stack.send('group:120363000000000001', { type: 'text', text: 'x' }), {
		code: 'message_rejected',
		whatsappCode: 404
	})
})

test('an audience of nobody on WhatsApp: recipient_not_on_whatsapp', () =>
	refused('recipient_not_on_whatsapp', 'status', { type: 'text', text: 'x' }, { audience: [STRANGER] }))

const text = { type: 'text', text: 'x' }
for (const [what, content, beside] of [
	['an unknown field', { ...text, colour: 'red' }],
	['a link that is not in the text', { ...text, link_preview: { url: 'https://example.org' } }],
	['a mention that is not in the text', text, { mentions: [ALICE] }],
	['a mention that is the beginning of another number', { ...text, text: `@${ALICE}1` }, { mentions: [ALICE] }],
	['a mention of a group', { ...text, text: '@group:1' }, { mentions: ['group:1'] }],
	['an audience of a chat', text, { audience: [ALICE] }],
	['a reaction that quotes', { type: 'reaction', message_id: 'A', emoji: 'x' }, { quote: { message_id: 'B' } }],
	['an edit that is forwarded', { type: 'edit', message_id: 'A', text: 'x' }, { forwarded: true }],
	['a poll of one', { type: 'poll', question: 'x', options: ['a'], selectable: 1 }],
	['a poll of thirteen', { type: 'poll', question: 'x', options: [...'abcdefghijklm'], selectable: 1 }],
	['a poll of two alike', { type: 'poll', question: 'x', options: ['a', 'a'], selectable: 1 }],
	['more choices than options', { type: 'poll', question: 'x', options: ['a', 'b'], selectable: 3 }],
	[
		'an event that ends before it begins',
		{ type: 'event', name: 'x', start: '2026-12-24T18:00:00.000Z', end: '2026-12-24T17:00:00.000Z' }
	],
	['an event at no time', { type: 'event', name: 'x', start: 'tomorrow' }],
	['a place beyond the pole', { type: 'location', latitude: 91, longitude: 0 }],
	['a contact without a number', { type: 'contacts', contacts: [{ name: 'x', phones: [] }] }],
	['an album of one', { type: 'album', images: 1, videos: 0 }],
	['a path that is relative', { type: 'image', media: { path: 'a.jpg', mimetype: 'image/jpeg' } }],
	['a thumbnail that is no JPEG', { type: 'image', media: { path: '/a', mimetype: 'image/jpeg', thumbnail: 'AAAA' } }],
	[
		'a thumbnail of 25 KiB',
		{
			type: 'image',
			media: {
				path: '/a',
				mimetype: 'image/jpeg',
				thumbnail: Buffer.concat([Buffer.from([255, 216]), Buffer.alloc(25_600)]).toString('base64')
			}
		}
	],
	['a waveform of three', { type: 'voice', media: { path: '/a', mimetype: 'audio/ogg', waveform: 'AAAA' } }],
	['a document without a name', { type: 'document', media: { path: '/a', mimetype: 'application/pdf' } }]
] as [string, object, object?][]) {
	test(`${what}: invalid_params`, () => refused('invalid_params', ALICE, content, beside))
}

test('a status post without an audience, a mention of somebody who is not in the group: invalid_params', async () => {
	await refused('invalid_params', 'status', text)
	await refused('invalid_params', group, { type: 'text', text: `@${BOB}` }, { mentions: [BOB] })
})

test('a file that can not be read, is empty, no file, or of another size: media_unreadable', async () => {
	const empty = stack.path('empty.jpg')
	writeFileSync(empty, '')
	for (const path of ['/nowhere/a.jpg', '/tmp', '/dev/zero', empty])
		await refused('media_unreadable', ALICE, { type: 'image', media: { path, mimetype: 'image/jpeg' } })
	const { media } = stack.file('image/jpeg')
	await refused('media_unreadable', ALICE, { type: 'image', media: { ...media, size: 7 } })
})

test('a media host that refuses: the next one is tried', async () => {
	const before = (await stack.simulator.state()).counts
	await stack.simulator.faults({ upload_failures: 2 })
	const { media, seen } = stack.file('image/jpeg', PICTURE)
	await stack.arrives(ALICE, { type: 'image', media }, { kind: 'image', media: seen, caption: null })
	const { counts } = await stack.simulator.state()
	const more = (host: string) => (counts[`uploads to ${host}`] ?? 0) - (before[`uploads to ${host}`] ?? 0)
	assert.deepEqual([more('127.0.0.1'), more('localhost')], [2, 1])
})

test('three refusals: media_upload_failed, and nothing was sent', async () => {
	await stack.simulator.faults({ upload_failures: 3 })
	const id = messageId()
	const { media } = stack.file('video/mp4')
	await refused('media_upload_failed', ALICE, { type: 'video', media }, { id })
	await stack.send(ALICE, { type: 'text', text: 'after' })
	assert.ok((await stack.simulator.received(ALICE)).every(({ message_id }) => message_id !== id))
})

test('an upload that takes longer than the time there is: media_upload_failed, and others are sent meanwhile', async () => {
	await stack.simulator.faults({ upload_delay_ms: 30_000 })
	const { media } = stack.file('video/mp4')
	const began = Date.now()
	const upload = refused('media_upload_failed', ALICE, { type: 'video', media }, { timeout: 2 })
	await stack.send(ALICE, { type: 'text', text: 'meanwhile' })
	await stack.send(BOB, { type: 'text', text: 'meanwhile' })
	assert.ok(Date.now() - began < 1_500)
	await upload
	assert.ok(Date.now() - began < 4_000)
})

test('a link that is lost during the upload: sent on the next one', async () => {
	await stack.simulator.faults({ upload_delay_ms: 3_000 })
	const { media, seen } = stack.file('image/jpeg', PICTURE)
	const id = messageId()
	const sent = stack.send(ALICE, { type: 'image', media }, { id })
	const uploads = await stack.uploads()
	while ((await stack.uploads()) === uploads) await stack.engine.call('ping')
	const mark = stack.engine.mark
	await stack.simulator.faults({ drop: true })
	await stack.engine.state('connected', mark)
	await sent
	assert.deepEqual((await stack.byAlice(id)).content, { kind: 'image', media: seen, caption: null })
})

test('nothing was refused by a phone or by WhatsApp', async () => {
	assert.deepEqual((await stack.simulator.state()).violations, [])
})
