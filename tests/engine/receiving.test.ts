/** Everything that somebody can write, as the engine tells it: by number and by hidden number, to the owner alone and in a group. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ALICE, BOB, OWNER, SendingStack } from './sending-stack.ts'

let stack: SendingStack
const groups: Record<string, string> = {}
before(async () => {
	stack = await SendingStack.start()
	for (const addressing of ['pn', 'lid'])
		groups[addressing] = await stack.simulator.group(`by ${addressing}`, [ALICE, BOB], addressing)
})
after(async () => {
	const { violations } = await stack.simulator.state()
	await stack.stop()
	assert.deepEqual(violations, [])
})

type Where = { addressing: string; group?: string | undefined }
const places: [string, () => Where][] = ['pn', 'lid'].flatMap(addressing => [
	[`to the owner by ${addressing}`, () => ({ addressing })],
	[`in a group by ${addressing}`, () => ({ addressing, group: groups[addressing] })]
])

const told = (message_id: string) => stack.engine.next('message.received', params => params.message_id === message_id)

async function written(content: object, where: Where = { addressing: 'pn' }, author: string = ALICE) {
	const { message_id, sha256 } = await stack.simulator.write(author, { content, ...where })
	return { sha256, message: await told(message_id) }
}

const WAVEFORM = Buffer.alloc(64, 50).toString('base64')
const THUMBNAIL = Buffer.from([0xff, 0xd8, 1, 2, 0xff, 0xd9]).toString('base64')
const described = {
	width: null,
	height: null,
	seconds: null,
	waveform: null,
	thumbnail: null
}

interface Case {
	kind: string
	write: object
	expect: Record<string, unknown>
	/** what the file is described with; its hash is what the sender's phone knows */
	media?: object
}
const CASES: Case[] = [
	{ kind: 'text', write: { text: 'Grüße 🦊' }, expect: { type: 'text', text: 'Grüße 🦊', link_preview: null } },
	{
		kind: 'text',
		write: { text: 'see https://example.org/', preview: { url: 'https://example.org/', title: 'Example' } },
		expect: {
			type: 'text',
			text: 'see https://example.org/',
			link_preview: { url: 'https://example.org/', title: 'Example', description: null }
		}
	},
	{
		kind: 'image',
		write: {
			media: { mimetype: 'image/jpeg', size: 1000, width: 640, height: 480, thumbnail: THUMBNAIL },
			caption: 'the door'
		},
		media: { mimetype: 'image/jpeg', size: 1000, width: 640, height: 480, thumbnail: THUMBNAIL },
		expect: { type: 'image', caption: 'the door', album: null }
	},
	{
		kind: 'video',
		write: { media: { mimetype: 'video/mp4', size: 2000, seconds: 7 }, gif: true },
		media: { mimetype: 'video/mp4', size: 2000, seconds: 7 },
		expect: { type: 'video', caption: null, gif: true, album: null }
	},
	{
		kind: 'audio',
		write: { media: { mimetype: 'audio/mpeg', size: 300, seconds: 3 } },
		media: { mimetype: 'audio/mpeg', size: 300, seconds: 3 },
		expect: { type: 'audio' }
	},
	{
		kind: 'voice',
		write: { media: { mimetype: 'audio/ogg; codecs=opus', size: 300, seconds: 3, waveform: WAVEFORM } },
		media: { mimetype: 'audio/ogg; codecs=opus', size: 300, seconds: 3, waveform: WAVEFORM },
		expect: { type: 'voice' }
	},
	{
		kind: 'document',
		write: { media: { mimetype: 'application/pdf', size: 10 }, file_name: 'bill.pdf', caption: 'please pay' },
		media: { mimetype: 'application/pdf', size: 10 },
		expect: { type: 'document', caption: 'please pay', file_name: 'bill.pdf' }
	},
	{
		kind: 'sticker',
		write: { media: { mimetype: 'image/webp', size: 10 }, animated: true },
		media: { mimetype: 'image/webp', size: 10 },
		expect: { type: 'sticker', animated: true }
	},
	{
		kind: 'location',
		write: { latitude: 52.5, longitude: 13.25, name: 'Home', address: 'Main Street 1' },
		expect: { type: 'location', latitude: 52.5, longitude: 13.25, name: 'Home', address: 'Main Street 1', live: false }
	},
	{
		kind: 'location',
		write: { latitude: -1.5, longitude: 2, live: true },
		expect: { type: 'location', latitude: -1.5, longitude: 2, name: null, address: null, live: true }
	},
	{
		kind: 'contacts',
		write: {
			cards: [
				'BEGIN:VCARD\nVERSION:3.0\nN:;Carol;;;\nFN:Carol\nORG:Post\\, Office;\nitem1.TEL;type=CELL;waid=15551230003:+1 555 123-0003\nTEL:112\nEMAIL:c@example.org\nEND:VCARD'
			]
		},
		expect: {
			type: 'contacts',
			contacts: [
				{ name: 'Carol', phones: ['+15551230003', '112'], organization: 'Post, Office', email: 'c@example.org' }
			]
		}
	},
	{
		kind: 'poll',
		write: { question: 'Close the garage?', options: ['Yes', 'No'], selectable: 1 },
		expect: { type: 'poll', question: 'Close the garage?', options: ['Yes', 'No'], selectable: 1 }
	},
	{
		kind: 'event',
		write: { name: 'Party', start: '2026-12-01T18:00:00Z', location: { latitude: 1, longitude: 2, name: 'Here' } },
		expect: {
			type: 'event',
			name: 'Party',
			description: null,
			start: '2026-12-01T18:00:00.000Z',
			end: null,
			location: { latitude: 1, longitude: 2, name: 'Here', address: null },
			cancelled: false
		}
	},
	{ kind: 'album', write: { images: 2, videos: 1 }, expect: { type: 'album', images: 2, videos: 1 } },
	{
		kind: 'choice',
		write: { id: 'yes', text: 'Yes, please' },
		expect: { type: 'choice', message_id: null, id: 'yes', text: 'Yes, please' }
	},
	{
		kind: 'group_invite',
		write: { group: '120363000000000001', subject: 'Choir', code: 'AbCd', expires_at: '2026-12-01T00:00:00Z' },
		expect: {
			type: 'group_invite',
			chat: 'group:120363000000000001',
			subject: 'Choir',
			code: 'AbCd',
			expires_at: '2026-12-01T00:00:00.000Z',
			text: null
		}
	},
	{ kind: 'order', write: {}, expect: { type: 'unsupported', kind: 'orderMessage' } }
]

for (const [place, where] of places) {
	for (const { kind, write, media, expect } of CASES) {
		test(`${kind} (${JSON.stringify(write).slice(0, 40)}) ${place}`, async () => {
			const { message, sha256 } = await written({ kind, ...write }, where())
			const file = media && { media: { ...described, sha256, ...media } }
			assert.deepEqual(message.content, { ...expect, ...file })
			const { quote, mentions, forwarded, view_once, sender } = message
			assert.deepEqual(
				{ quote, mentions, forwarded, view_once },
				{ quote: null, mentions: [], forwarded: false, view_once: false }
			)
			assert.equal(sender.phone, ALICE)
		})
	}

	test(`what names another message ${place}`, async () => {
		const to = where().group ?? ALICE
		const asked = await stack.send(to, { type: 'text', text: 'Shall I?' })
		const message_id = String(asked.message_id)
		const write = async (content: object) => (await written(content, where())).message.content
		assert.deepEqual(await write({ kind: 'reaction', message_id, emoji: '👍' }), {
			type: 'reaction',
			message_id,
			author: null,
			emoji: '👍'
		})
		const { message: own } = await written({ kind: 'text', text: 'Hello' }, where())
		const named = { message_id: own.message_id }
		assert.deepEqual(await write({ kind: 'reaction', ...named, emoji: '' }), {
			type: 'reaction',
			...named,
			author: ALICE,
			emoji: ''
		})
		assert.deepEqual(await write({ kind: 'edit', ...named, text: 'Hallo' }), { type: 'edit', ...named, text: 'Hallo' })
		assert.deepEqual(await write({ kind: 'revoke', ...named }), { type: 'revoke', ...named })
	})

	test(`answers, mentions and what was forwarded ${place}`, async () => {
		const asked = await stack.send(where().group ?? ALICE, { type: 'text', text: 'Shall I?' })
		const quote = { message_id: String(asked.message_id), text: 'Shall I?' }
		const around = { quote, mentions: [OWNER], forwarded: true }
		const { message } = await written({ kind: 'text', text: 'Yes', ...around }, where())
		assert.deepEqual(message.content, { type: 'text', text: 'Yes', link_preview: null })
		assert.deepEqual(message.quote, { ...quote, author: null })
		assert.deepEqual([message.mentions, message.forwarded], [[OWNER], true])
	})

	test(`votes and answers to what we asked ${place}`, async () => {
		const to = where().group ?? ALICE
		const poll = await stack.send(to, { type: 'poll', question: 'Which?', options: ['A', 'B', 'C'], selectable: 0 })
		const message_id = String(poll.message_id)
		await stack.byAlice(message_id)
		for (const options of [['C', 'A'], ['B'], []]) {
			const { message } = await written({ kind: 'poll_vote', message_id, options }, where())
			assert.deepEqual(message.content, { type: 'poll_vote', message_id, options: options.sort() })
		}
		const event = await stack.send(to, { type: 'event', name: 'Dinner', start: '2026-12-24T18:00:00Z' })
		await stack.byAlice(String(event.message_id))
		for (const response of ['going', 'not_going', 'maybe']) {
			const answer = { kind: 'event_response', message_id: String(event.message_id), response }
			const { message } = await written(answer, where())
			assert.deepEqual(message.content, { type: 'event_response', message_id: event.message_id, response })
		}
	})

	test(`a picture of an album ${place}`, async () => {
		const { message: frame } = await written({ kind: 'album', images: 2, videos: 0 }, where())
		const picture = { kind: 'image', media: { mimetype: 'image/jpeg', size: 10 }, album: frame.message_id }
		const { content } = (await written(picture, where())).message
		assert.equal(content.type === 'image' && content.album, frame.message_id)
	})
}

test("votes for somebody else's poll in a group", async () => {
	const where = { addressing: 'lid', group: groups.lid }
	const { message } = await written({ kind: 'poll', question: 'Where?', options: ['Here', 'There'] }, where)
	const vote = { kind: 'poll_vote', message_id: message.message_id, options: ['There'] }
	const { content } = (await written(vote, where, BOB)).message
	assert.deepEqual(content, { type: 'poll_vote', message_id: message.message_id, options: ['There'] })
})

test('votes are read after a restart too', async () => {
	const poll = await stack.send(ALICE, { type: 'poll', question: 'Still?', options: ['Yes', 'No'], selectable: 1 })
	const message_id = String(poll.message_id)
	await stack.byAlice(message_id)
	await stack.restartEngine()
	const { message } = await written({ kind: 'poll_vote', message_id, options: ['No'] })
	assert.deepEqual(message.content, { type: 'poll_vote', message_id, options: ['No'] })
})

for (const [why, sql] of [
	['for a poll that is not known', 'DELETE FROM received'],
	[
		"that its poll's secret does not open",
		"UPDATE received SET message = (SELECT message FROM received WHERE message_id = 'OTHER')"
	]
] as const) {
	test(`a vote ${why} is told as what it is`, async () => {
		const poll = { kind: 'poll', question: 'Known?', options: ['Yes', 'No'] }
		const { message: other } = await written(poll)
		const { message: asked } = await written(poll)
		await stack.tamper(sql.replace('OTHER', other.message_id))
		const { message } = await written({ kind: 'poll_vote', message_id: asked.message_id, options: ['No'] })
		assert.deepEqual(message.content, { type: 'unsupported', kind: 'pollUpdateMessage' })
	})
}

test('what the owner writes on the phone: a picture, to one and to a group', async () => {
	for (const to of [ALICE, groups.pn ?? '', groups.lid ?? '']) {
		const content = { kind: 'image', media: { mimetype: 'image/png', size: 50 }, caption: 'mine' }
		const { message_id } = await stack.simulator.call<{ message_id: string }>('POST', '/mock-phone/send', {
			to,
			content
		})
		const message = await told(message_id)
		assert.deepEqual([message.from_me, message.chat.id, message.content.type], [true, to, 'image'])
	}
})
