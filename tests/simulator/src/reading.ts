/** What a phone knows while it reads a message: the chat, who is in it, what was written there. It complains of what it would not show. */

import { lidJid, parseJid, phoneJid } from './addresses.ts'
import type { MediaStore } from './media.ts'
import type { Group, Person, World, Written } from './world.ts'

export interface Reading {
	world: World
	media: MediaStore
	messageId: string
	/** as the sender addressed it */
	jid: string
	/** the chat in the control API's form, seen from the owner: a contact's number, a group, a channel, `status` */
	chat: string
	group: Group | undefined
	complain(why: string): void
}

export interface NamedKey {
	remoteJid?: string | null
	fromMe?: boolean | null
	id?: string | null
	participant?: string | null
}

const isLid = (jid: string): boolean => parseJid(jid)?.server === 'lid'

const byLid = ({ group, jid }: Reading): boolean => (group ? group.addressing === 'lid' : isLid(jid))

/** A person as this chat addresses people; anything else is a complaint. */
export function personIn(reading: Reading, jid: string | null | undefined): Person | undefined {
	const person = reading.world.person(jid ?? undefined)
	if (!person || !jid) {
		reading.complain('names nobody')
		return undefined
	}
	const expected = byLid(reading) ? lidJid(person.lid) : phoneJid(person.phone)
	if (jid !== expected) reading.complain(`a person in another form than the chat's: ${parseJid(jid)?.server}`)
	const { group, world, chat } = reading
	const present = group ? group.participants.includes(person.phone) : [world.owner.phone, chat].includes(person.phone)
	if (!present && chat !== 'status') reading.complain('names somebody who is not in the chat')
	return person
}

/** The message that a key names, written by whom it says, in this chat. */
export function namedMessage(
	reading: Reading,
	key: NamedKey | null | undefined
): (Written & { id: string }) | undefined {
	const { world, jid, group, chat } = reading
	if (!key?.id || !key.remoteJid) {
		reading.complain('a key without id or chat')
		return undefined
	}
	if (key.remoteJid !== jid) reading.complain('the key names another chat, or this one in another form')
	const written = world.written.get(key.id)
	if (!written || written.chat !== chat) {
		reading.complain('names a message that is not in this chat')
		return undefined
	}
	if (key.fromMe) {
		if (key.participant) reading.complain('the key of an own message names an author')
		if (written.author !== world.owner) reading.complain("names somebody else's message as an own one")
	} else if (group) {
		if (personIn(reading, key.participant) !== written.author) reading.complain('the key names another author')
	} else {
		if (key.participant) reading.complain('a key with an author in a chat of two')
		if (written.author === world.owner) reading.complain("names an own message as somebody else's")
	}
	return { ...written, id: key.id }
}
