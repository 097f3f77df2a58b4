/** What happens at WhatsApp beside messages: calls, changes of groups, people with other names or pictures. Told until the gateway has acknowledged it. */

import type { BinaryNode, Contact as BaileysContact, WASocket } from 'baileys'
import { bareJid, chatType, personId } from './addresses.ts'
import { Calls, type CallTold } from './calls.ts'
import type { Contact, ContactBook } from './contacts/book.ts'
import { metContacts } from './contacts/met.ts'
import type { Deliveries } from './deliveries.ts'
import { groupChanges } from './group-changes.ts'
import { identify } from './people.ts'
import { BACKLOG_MARGIN } from './receiving/received-message.ts'
import { newSenderKey } from './sending/sender-key.ts'

interface HappeningsOf {
	account: string
	deliveries: Deliveries
	book: ContactBook
	/** Unix milliseconds */
	connectedAt(): number
}

export class Happenings {
	readonly calls = new Calls()
	private readonly of: HappeningsOf

	constructor(of: HappeningsOf) {
		this.of = of
	}

	async call(stanza: BinaryNode, socket: WASocket): Promise<void> {
		const told = await this.calls.take(stanza, socket)
		if (told) this.callChanged(told)
	}

	callChanged({ offline, ...told }: CallTold): void {
		const backlog = this.isBacklog(offline, told.timestamp)
		this.of.deliveries.tell('call.changed', { account: this.of.account, ...told, backlog })
	}

	/** A group has changed, or somebody's picture. */
	async notification(stanza: BinaryNode, socket: WASocket): Promise<void> {
		if (chatType(stanza.attrs.from ?? '') === 'person') return this.picture(stanza, socket)
		const { account, deliveries } = this.of
		for (const { offline, ...told } of await groupChanges(stanza, socket)) {
			if (told.change === 'removed' || told.change === 'left') await newSenderKey(stanza.attrs.from ?? '', socket)
			const backlog = this.isBacklog(offline, told.timestamp)
			const once = { chat: told.chat, sender: 'group', messageId: told.message_id }
			deliveries.tellOnce('group.changed', { account, ...told, backlog }, once)
		}
	}

	private async picture({ attrs }: BinaryNode, socket: WASocket): Promise<void> {
		const { account, deliveries, book } = this.of
		const person = await identify(socket, bareJid(attrs.from ?? ''))
		const contact = book.find(person) ?? { ...person, name: null, push_name: null }
		const chat = personId(contact)
		const told = { account, chat, ...contact, picture_changed: true }
		deliveries.tellOnce('contact.changed', told, { chat, sender: 'picture', messageId: attrs.id ?? '' })
	}

	/** The address book was told, or somebody has another name. */
	async contacts(contacts: Partial<BaileysContact>[], socket: WASocket): Promise<void> {
		for (const contact of await metContacts(contacts, socket)) this.met(contact)
	}

	/** Somebody was seen. Whoever is known already, and is another one in anything, is told. */
	met(seen: Partial<Contact>): void {
		const { account, deliveries, book } = this.of
		const changed = book.note(seen)
		if (changed)
			deliveries.tell('contact.changed', { account, chat: personId(changed), ...changed, picture_changed: false })
	}

	private isBacklog(offline: boolean, timestamp: string): boolean {
		return offline || Date.parse(timestamp) < this.of.connectedAt() - BACKLOG_MARGIN
	}
}
