/** What an account is asked for: by WhatsApp it is answered now or not at all. */

import type { WASocket } from 'baileys'
import type { Person } from '../addresses.ts'
import type { Happenings } from '../happenings.ts'
import type { ContactBook } from '../contacts/book.ts'
import type { OwnPresence, Presence } from '../presence.ts'
import type { Chat } from '../sending/chat.ts'
import { orRefused } from '../failures.ts'
import type { SessionStore } from '../session-store.ts'
import { contactList, fetchAddressBook, type ListedContact } from './contacts.ts'
import { changed, changeMembers, invite, type MemberResult, updateGroup } from './group-changes.ts'
import { type Group, groupWithMembers, notToBeSeen } from './groups.ts'
import { blockList, type Profile, profileOf, setBlocked, updateProfile } from './profile.ts'
import { downloadPicture, type Picture } from './picture.ts'
import type { createOrder, inviteOrder, MembersOrder, ProfileUpdate, readOrder, updateOrder } from './questions.ts'
import { markRead } from './read.ts'

/** What is needed of the account. */
export interface AskedAccount {
	store: SessionStore
	book: ContactBook
	presence: Presence
	happenings: Happenings
	own(): Person
	/** throws `not_connected` */
	ask<T>(question: (socket: WASocket) => Promise<T>): Promise<T>
	/** throws `recipient_not_on_whatsapp` */
	chat(id: string, socket: WASocket): Promise<Chat>
}

export type Done = Record<string, never>

export class Asking {
	private readonly account: AskedAccount

	constructor(account: AskedAccount) {
		this.account = account
	}

	/** Everybody whom this link knows; answered without a connection too. */
	contacts(): { contacts: ListedContact[] } {
		return contactList(this.account.book, this.account.own())
	}

	/** Answered when all was read; what is new is told by `contact.changed`. */
	async resyncContacts(): Promise<Done> {
		await this.account.ask(fetchAddressBook)
		return {}
	}

	async markRead({ chat, messages }: ReturnType<typeof readOrder>): Promise<Done> {
		await this.about(chat, (found, socket) => markRead(found, messages, socket, this.account.store))
		return {}
	}

	async sendPresence(chat: string, presence: OwnPresence): Promise<Done> {
		await this.about(chat, ({ jid, byLid }, socket) => this.account.presence.send(jid, byLid, presence, socket))
		return {}
	}

	async subscribePresence(chat: string): Promise<Done> {
		await this.about(chat, ({ jid }, socket) => this.account.presence.subscribe(jid, socket))
		return {}
	}

	/** Throws `recipient_not_on_whatsapp`, `refused`. */
	createGroup({ subject, members }: ReturnType<typeof createOrder>): Promise<Group> {
		return this.account.ask(async socket => {
			const jids: string[] = []
			for (const member of members) jids.push((await this.account.chat(member, socket)).jid)
			const { id } = await orRefused(() => socket.groupCreate(subject, jids))
			return groupWithMembers(socket, id)
		})
	}

	/** Throws `group_not_found`, `not_a_member`, `refused`. */
	async updateGroup({ chat, update }: ReturnType<typeof updateOrder>): Promise<Done> {
		await this.inGroup(chat, ({ jid }, socket) => updateGroup(jid, update, socket))
		return {}
	}

	/** Throws `group_not_found`, `not_a_member`, `refused`; who is refused alone is told in the results. */
	changeMembers(order: MembersOrder): Promise<{ results: MemberResult[] }> {
		return this.inGroup(order.chat, (group, socket) =>
			changeMembers(group, order, async member => (await this.account.chat(member, socket)).jid, socket)
		)
	}

	/** Throws `group_not_found`, `not_a_member`, `refused`. */
	invite({ chat, renew }: ReturnType<typeof inviteOrder>): Promise<{ url: string }> {
		return this.inGroup(chat, ({ jid }, socket) => invite(jid, renew, socket))
	}

	/** Throws `group_not_found`, `not_a_member`, `refused`. */
	async leaveGroup(chat: string): Promise<Done> {
		await this.inGroup(chat, ({ jid }, socket) => socket.groupLeave(jid))
		return {}
	}

	/** Changes a group that we are in. */
	private inGroup<T>(id: string, change: (group: Chat, socket: WASocket) => Promise<T>): Promise<T> {
		return this.account.ask(async socket => {
			const group = await this.account.chat(id, socket).catch((error: unknown) => {
				throw notToBeSeen(error)
			})
			return changed(() => change(group, socket))
		})
	}

	profile(): Promise<Profile> {
		return this.account.ask(socket => profileOf(this.account.own(), socket))
	}

	/** Throws `refused`. */
	async updateProfile(update: ProfileUpdate): Promise<Done> {
		await this.account.ask(socket => orRefused(() => updateProfile(update, socket)))
		return {}
	}

	blocked(): Promise<{ chats: string[] }> {
		return this.account.ask(blockList)
	}

	/** Throws `recipient_not_on_whatsapp`, `refused`. */
	async setBlocked(chat: string, blocked: boolean): Promise<Done> {
		await this.about(chat, ({ jid }, socket) => orRefused(() => setBlocked(jid, blocked, socket)))
		return {}
	}

	/** Throws `call_not_known`. */
	async rejectCall(id: string): Promise<Done> {
		const { ask, happenings } = this.account
		happenings.callChanged(await ask(socket => happenings.calls.reject(id, socket)))
		return {}
	}

	/** Throws `picture_not_available`, `media_download_failed`. */
	picture(chat: string, path: string, preview: boolean): Promise<Picture> {
		return this.about(chat, ({ jid }, socket) => downloadPicture(jid, path, preview, socket))
	}

	/** Asks something about a chat. Throws `not_connected`, `recipient_not_on_whatsapp`. */
	private about<T>(id: string, question: (chat: Chat, socket: WASocket) => Promise<T>): Promise<T> {
		return this.account.ask(async socket => question(await this.account.chat(id, socket), socket))
	}
}
