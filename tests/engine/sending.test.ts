/** Everything that can be sent, to one person and to a group, by number and by LID: what the phones decrypt is what was asked. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { PICTURE, SOUND, THUMBNAIL } from './media-files.ts'
import { ALICE, BOB, OWNER, SendingStack, STRANGER } from './sending-stack.ts'

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(() => stack.stop())

const arrives: SendingStack['arrives'] = (...order) => stack.arrives(...order)
const file: SendingStack['file'] = (...order) => stack.file(...order)

const CHATS = {
	'a person by number': async () => ALICE,
	'a person by LID': async () => `lid:${stack.aliceLid}`,
	'a group by number': () => stack.simulator.group('By number', [ALICE, BOB], 'pn'),
	'a group by LID': () => stack.simulator.group('By LID', [ALICE, BOB], 'lid')
}

for (const [name, chat] of Object.entries(CHATS)) {
	void describe(name, () => {
		let to = ''
		const isGroup = name.includes('group')
		const written = (text: string) => stack.simulator.write(ALICE, { text, ...(isGroup ? { group: to } : {}) })
		before(async () => {
			to = await chat()
		})

		test('a text with a preview of its link', async () => {
			const preview = {
				url: 'https://example.org/a?b=1',
				title: 'Example',
				description: 'A page',
				thumbnail: THUMBNAIL.toString('base64')
			}
			const text = `look: ${preview.url} *now*`
			await arrives(to, { type: 'text', text, link_preview: preview }, { kind: 'text', text, preview })
		})

		test('a text that mentions somebody and answers a message of theirs', async () => {
			const { message_id } = await written('where are you?')
			const shown = name.includes('LID') ? stack.aliceLid : ALICE.slice(1)
			const quote = { message_id, author: ALICE, text: 'where are you?' }
			await arrives(
				to,
				{ type: 'text', text: `here @${ALICE}, not @+155512300011` },
				{
					kind: 'text',
					text: `here @${shown}, not @+155512300011`,
					preview: null,
					mentions: [ALICE],
					quote: { ...quote, kind: 'conversation' }
				},
				{ mentions: [ALICE], quote }
			)
		})

		test('a forwarded text that answers one of our own', async () => {
			const id = await arrives(to, { type: 'text', text: 'first' }, { kind: 'text', text: 'first', preview: null })
			await arrives(
				to,
				{ type: 'text', text: 'second' },
				{
					kind: 'text',
					text: 'second',
					preview: null,
					forwarded: 1,
					quote: { message_id: id, author: OWNER, text: 'first', kind: 'extendedTextMessage' }
				},
				{ forwarded: true, quote: { message_id: id, text: 'something else' } }
			)
		})

		test('a picture with a caption that mentions', async () => {
			const { media, seen } = file('image/jpeg', PICTURE)
			const shown = name.includes('LID') ? stack.aliceLid : ALICE.slice(1)
			const expected = { kind: 'image', media: seen, caption: `for @${shown}`, mentions: [ALICE] }
			await arrives(to, { type: 'image', media, caption: `for @${ALICE}` }, expected, { mentions: [ALICE] })
		})

		test('a picture that can be viewed once', async () => {
			const { media, seen } = file('image/jpeg')
			const expected = { kind: 'image', media: seen, caption: null, view_once: true }
			await arrives(to, { type: 'image', media, view_once: true }, expected)
		})

		for (const gif of [false, true]) {
			test(gif ? 'a GIF' : 'a video', async () => {
				const { media, seen } = file('video/mp4', { ...PICTURE, seconds: 12 })
				const expected = { kind: 'video', media: seen, caption: 'the garden', gif }
				await arrives(to, { type: 'video', media, caption: 'the garden', gif }, expected)
			})
		}

		test('a video that can be viewed once', async () => {
			const { media, seen } = file('video/mp4')
			const expected = { kind: 'video', media: seen, caption: null, gif: false, view_once: true }
			await arrives(to, { type: 'video', media, view_once: true }, expected)
		})

		test('a song', async () => {
			const { media, seen } = file('audio/mpeg', { seconds: 200 })
			await arrives(to, { type: 'audio', media }, { kind: 'audio', media: seen })
		})

		test('a voice note, and one that can be heard once', async () => {
			const { media, seen } = file('audio/ogg; codecs=opus', SOUND)
			await arrives(to, { type: 'voice', media: { ...media, mimetype: 'audio/ogg' } }, { kind: 'voice', media: seen })
			await arrives(to, { type: 'voice', media, view_once: true }, { kind: 'voice', media: seen, view_once: true })
		})

		test('a document with name and caption', async () => {
			const { media, seen } = file('application/pdf')
			const content = { file_name: 'Bill, "May" ü.pdf', caption: 'please pay' }
			await arrives(to, { type: 'document', media, ...content }, { kind: 'document', media: seen, ...content })
		})

		test('a sticker', async () => {
			const { media, seen } = file('image/webp', { width: 512, height: 512 })
			await arrives(to, { type: 'sticker', media, animated: true }, { kind: 'sticker', media: seen, animated: true })
		})

		test('a location', async () => {
			const place = { latitude: -33.8568, longitude: 151.2153, name: 'Opera House', address: 'Bennelong Point' }
			await arrives(to, { type: 'location', ...place }, { kind: 'location', ...place })
		})

		test('a contact card, and several', async () => {
			const jane = {
				name: 'Jane; "the" Döe, \\ Dr.',
				phones: [BOB, STRANGER],
				organization: 'Smith; Sons, Inc.',
				email: 'jane@example.org'
			}
			const joe = { name: 'Joe', phones: [BOB], organization: null, email: null }
			await arrives(to, { type: 'contacts', contacts: [jane] }, { kind: 'contacts', contacts: [jane] })
			await arrives(to, { type: 'contacts', contacts: [jane, joe] }, { kind: 'contacts', contacts: [jane, joe] })
		})

		for (const selectable of [0, 1, 3]) {
			test(`a poll of which ${selectable || 'any number'} may be chosen`, async () => {
				const poll = { question: 'Pizza?', options: ['yes', 'no', 'perhaps'], selectable }
				await arrives(to, { type: 'poll', ...poll }, { kind: 'poll', ...poll })
			})
		}

		test('an event', async () => {
			const event = {
				name: 'Dinner',
				description: 'bring wine',
				start: '2026-12-24T18:00:00.000Z',
				end: '2026-12-24T22:00:00.000Z',
				location: { latitude: 48.1, longitude: 11.6, name: 'home', address: null },
				cancelled: false
			}
			await arrives(to, { type: 'event', ...event }, { kind: 'event', ...event })
		})

		test('a reaction to theirs, to ours, and taken back', async () => {
			const { message_id: theirs } = await written('funny')
			const ours = await arrives(to, { type: 'text', text: 'ours' }, { kind: 'text', text: 'ours', preview: null })
			for (const [message_id, author, emoji] of [
				[theirs, ALICE, '😂'],
				[theirs, ALICE, ''],
				[ours, null, '👍']
			]) {
				const expected = { kind: 'reaction', message_id, author: author ?? OWNER, emoji }
				await arrives(to, { type: 'reaction', message_id, author, emoji }, expected)
			}
		})

		test('an edited text, with a mention; and forwarded, quoted as it is now', async () => {
			const id = await arrives(
				to,
				{ type: 'text', text: 'at eihgt' },
				{ kind: 'text', text: 'at eihgt', preview: null }
			)
			const shown = name.includes('LID') ? stack.aliceLid : ALICE.slice(1)
			const text = `at eight @${shown}`
			const expected = { kind: 'edit', message_id: id, of: 'text', text, mentions: [ALICE] }
			const edit = { type: 'edit', message_id: id, text: `at eight @${ALICE}` }
			await arrives(to, edit, expected, { mentions: [ALICE] })
			await arrives(to, { type: 'forward', message_id: id }, { kind: 'text', text, preview: null, forwarded: 1 })
		})

		test('an edited caption', async () => {
			const { media, seen } = file('image/jpeg', PICTURE)
			const id = await arrives(to, { type: 'image', media }, { kind: 'image', media: seen, caption: null })
			const expected = { kind: 'edit', message_id: id, of: 'image', text: 'the cat' }
			await arrives(to, { type: 'edit', message_id: id, text: 'the cat' }, expected)
		})

		test('a revoked message of ours', async () => {
			const id = await arrives(to, { type: 'text', text: 'oops' }, { kind: 'text', text: 'oops', preview: null })
			await arrives(to, { type: 'revoke', message_id: id }, { kind: 'revoke', message_id: id, author: OWNER })
		})

		test("a revoked message that was written on the owner's phone", async () => {
			const chatOnPhone = isGroup ? to : ALICE
			const { message_id } = await stack.simulator.call<{ message_id: string }>('POST', '/mock-phone/send', {
				to: chatOnPhone,
				text: 'from the phone'
			})
			await stack.engine.next('message.received', params => params.message_id === message_id)
			await arrives(chatOnPhone, { type: 'revoke', message_id }, { kind: 'revoke', message_id, author: OWNER })
		})

		test("somebody else's message is revoked by a group's admin only", async () => {
			const { message_id } = await written('spam')
			const revoke = { type: 'revoke', message_id, author: ALICE }
			if (isGroup) await arrives(to, revoke, { kind: 'revoke', message_id, author: ALICE })
			else await assert.rejects(stack.send(to, revoke), { code: 'not_possible_here' })
		})

		test('a picture is forwarded without a second upload, and again', async () => {
			const { media, seen } = file('image/jpeg', PICTURE)
			const id = await arrives(to, { type: 'image', media, caption: 'x' }, { kind: 'image', media: seen, caption: 'x' })
			const uploads = await stack.uploads()
			const expected = { kind: 'image', media: seen, caption: 'x', forwarded: 1 }
			const again = await arrives(to, { type: 'forward', message_id: id }, expected)
			await arrives(to, { type: 'forward', message_id: again }, { ...expected, forwarded: 2 })
			assert.equal(await stack.uploads(), uploads)
		})

		test('an album: its frame and its parts', async () => {
			const frame = await arrives(to, { type: 'album', images: 1, videos: 1 }, { kind: 'album', images: 1, videos: 1 })
			const image = file('image/jpeg', PICTURE)
			const video = file('video/mp4', PICTURE)
			await arrives(
				to,
				{ type: 'image', media: image.media, album: frame },
				{ kind: 'image', media: image.seen, caption: null, album: frame }
			)
			await arrives(
				to,
				{ type: 'video', media: video.media, album: frame },
				{ kind: 'video', media: video.seen, caption: null, gif: false, album: frame }
			)
		})
	})
}

test('nothing was refused by a phone or by WhatsApp', async () => {
	assert.deepEqual((await stack.simulator.state()).violations, [])
})
