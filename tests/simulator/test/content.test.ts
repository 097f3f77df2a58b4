/** A simulated phone is strict: each thing that a real one would not show is noticed. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { proto } from 'baileys'
import { groupJid, lidJid, phoneJid } from '../src/addresses.ts'
import { readContent } from '../src/content.ts'
import { MediaStore } from '../src/media.ts'
import { type Group, World } from '../src/world.ts'

const ALICE = '+15551230001'
const BOB = '+15551230002'
const world = new World()
const media = new MediaStore(world)
const alice = world.addContact(ALICE, 'Alice', 1, 'pn')
const bob = world.addContact(BOB, 'Bob', 1, 'pn')
const group: Group = world.addGroup('By LID', [ALICE], 'lid')
const chat = `group:${group.id}`
before(async () => {
	await media.start(0)
	world.write('OURS', { chat: ALICE, author: world.owner, kind: 'text' })
	world.write('HERS', { chat: ALICE, author: alice })
	world.write('OLD', { chat: ALICE, author: world.owner, kind: 'text' })
	const old = world.written.get('OLD')
	if (old) old.at -= 16 * 60_000
	world.write('GROUP', { chat, author: alice })
	world.write('ALBUM', { chat: ALICE, author: world.owner, kind: 'album' })
})
after(() => media.stop())

/** What a phone complains of, in the chat with Alice or in the group. */
function complaints(message: proto.IMessage, inGroup = false): string[] {
	const found: string[] = []
	readContent(message, {
		world,
		media,
		messageId: 'NEW',
		jid: inGroup ? groupJid(group.id) : phoneJid(ALICE),
		chat: inGroup ? chat : ALICE,
		group: inGroup ? group : undefined,
		complain: why => found.push(why)
	})
	return found
}

const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8]), randomBytes(100), Buffer.from([0xff, 0xd9])])
const key = { remoteJid: phoneJid(ALICE), fromMe: true, id: 'OURS' }
const text = (contextInfo: proto.IContextInfo, words = 'x') => ({ extendedTextMessage: { text: words, contextInfo } })
const secret = { messageSecret: randomBytes(32) }
const options = [{ optionName: 'a' }, { optionName: 'b' }]
const card = 'BEGIN:VCARD\nVERSION:3.0\nN:;Bob;;;\nFN:Bob\nTEL;waid=15551230002:+15551230002\nEND:VCARD'
const named = (vcard: string) => ({ contactMessage: { displayName: 'Bob', vcard } })
const reaction = (changed: object) => ({
	reactionMessage: { key: { ...key, ...changed }, text: '👍', senderTimestampMs: 1 }
})
const edit = (id: string, editedMessage: proto.IMessage = { extendedTextMessage: { text: 'y' } }) => ({
	protocolMessage: { key: { ...key, id }, type: 14, editedMessage, timestampMs: 1 }
})
const poll = { name: '?', options, selectableOptionsCount: 1 }

test('what is right is not complained of', () => {
	const quote = { stanzaId: 'HERS', participant: phoneJid(ALICE), quotedMessage: { conversation: 'hi' } }
	for (const message of [
		text({ mentionedJid: [phoneJid(ALICE)], ...quote }, '@15551230001'),
		{ pollCreationMessageV3: poll, messageContextInfo: secret },
		named(card),
		reaction({}),
		reaction({ id: 'HERS', fromMe: false }),
		edit('OURS')
	])
		assert.deepEqual(complaints(message), [])
})

for (const [what, message, why, inGroup] of [
	['a mention that is not in the text', text({ mentionedJid: [phoneJid(ALICE)] }), /does not name/],
	['a mention of a stranger', text({ mentionedJid: [phoneJid(BOB)] }, '@15551230002'), /not in the chat/],
	['a mention by number in a group by LID', text({ mentionedJid: [phoneJid(ALICE)] }, '@15551230001'), /form/, true],
	[
		'an answer to nothing',
		text({ stanzaId: 'NONE', participant: phoneJid(ALICE), quotedMessage: { conversation: '' } }),
		/not in this chat/
	],
	[
		'an answer to another author',
		text({ stanzaId: 'HERS', participant: phoneJid(world.owner.phone), quotedMessage: { conversation: 'x' } }),
		/author/
	],
	['an answer without the message', text({ stanzaId: 'HERS', participant: phoneJid(ALICE) }), /without what/],
	['forwarded without a score', text({ isForwarded: true }), /how often/],
	[
		'a preview of another link',
		{ extendedTextMessage: { text: 'x', matchedText: 'https://example.org' } },
		/not in the text/
	],
	[
		'a preview with half a thumbnail',
		{ extendedTextMessage: { text: 'a:b', matchedText: 'a:b', jpegThumbnail: JPEG.subarray(0, 50) } },
		/JPEG/
	],
	['a view-once mark without frame', { imageMessage: { viewOnce: true } }, /view-once/],
	['a view-once frame without mark', { viewOnceMessageV2: { message: { imageMessage: {} } } }, /view-once/],
	[
		'a picture that was not uploaded',
		{ imageMessage: { mimetype: 'image/jpeg', directPath: '/nowhere' } },
		/nothing was uploaded/
	],
	['a voice note in MP3', { audioMessage: { ptt: true, mimetype: 'audio/mpeg', seconds: 1 } }, /Ogg/],
	['a voice note of no length', { audioMessage: { ptt: true, mimetype: 'audio/ogg; codecs=opus' } }, /length/],
	['a sticker in PNG', { stickerMessage: { mimetype: 'image/png' } }, /WebP/],
	['a document without a name', { documentMessage: {} }, /name/],
	['a place off the map', { locationMessage: { degreesLatitude: 91, degreesLongitude: 0 } }, /Earth/],
	['a card without a number', named(card.replace(/TEL.*\n/, '')), /number/],
	['a card whose waid is another number', named(card.replace('waid=1', 'waid=2')), /waid/],
	['a card without a name', named(card.replace(/FN.*\n/, '')), /name/],
	['a card of version 4', named(card.replace('3.0', '4.0')), /3\.0/],
	['a card with a stray backslash', named(card.replace('FN:Bob', 'FN:Bo\\b')), /backslash/],
	['a poll without secret', { pollCreationMessageV3: poll }, /secret/],
	[
		'a poll with a short secret',
		{ pollCreationMessageV3: poll, messageContextInfo: { messageSecret: randomBytes(16) } },
		/secret/
	],
	[
		'a poll of one option',
		{ pollCreationMessageV3: { ...poll, options: [{ optionName: 'a' }] }, messageContextInfo: secret },
		/options/
	],
	[
		'a poll of like options',
		{ pollCreationMessageV3: { ...poll, options: [options[0] ?? {}, options[0] ?? {}] }, messageContextInfo: secret },
		/alike/
	],
	['a single choice in the form of several', { pollCreationMessage: poll, messageContextInfo: secret }, /form/],
	['an event at no time', { eventMessage: { name: 'x' }, messageContextInfo: secret }, /beginning/],
	['an album of one', { albumMessage: { expectedImageCount: 1 } }, /fewer/],
	[
		'a part of what is no album',
		{ conversation: 'x', messageContextInfo: { messageAssociation: { associationType: 1, parentMessageKey: key } } },
		/no album/
	],
	['a reaction to nothing', reaction({ id: 'NONE' }), /not in this chat/],
	['a reaction in another form', reaction({ remoteJid: lidJid(alice.lid) }), /another form/],
	['a reaction to hers as ours', reaction({ id: 'HERS' }), /as an own one/],
	[
		'a reaction that names an author in a chat of two',
		reaction({ id: 'HERS', fromMe: false, participant: phoneJid(ALICE) }),
		/chat of two/
	],
	[
		'a reaction in a group that names nobody',
		reaction({ id: 'GROUP', fromMe: false, remoteJid: groupJid(group.id) }),
		/names nobody/,
		true
	],
	[
		'a reaction in a group to somebody else',
		reaction({ id: 'GROUP', fromMe: false, remoteJid: groupJid(group.id), participant: lidJid(bob.lid) }),
		/another author/,
		true
	],
	["an edit of somebody else's", edit('HERS'), /somebody else/],
	['an edit after 16 minutes', edit('OLD'), /15 minutes/],
	[
		'an edit that makes a poll of a text',
		edit('OURS', { pollCreationMessageV3: poll, messageContextInfo: secret }),
		/another kind/
	]
] as [string, proto.IMessage, RegExp, boolean?][]) {
	test(`${what} is noticed`, () => {
		assert.ok(
			complaints(message, inGroup).some(found => why.test(found)),
			JSON.stringify(complaints(message, inGroup))
		)
	})
}
