/** What became of a message that we sent. Baileys tells it in three kinds of events; it only goes up. */

import type { BaileysEventMap, BinaryNode, WASocket } from 'baileys'
import { bareJid, isGroup, type Person, personId } from './addresses.ts'
import { BoundedCache } from './bounded-cache.ts'
import { identify } from './people.ts'
import { type MessageStatus, type MessageStatusName, rfc3339 } from './protocol.ts'
import type { SessionStore } from './session-store.ts'

const RANKS: readonly MessageStatusName[] = ['sent', 'delivered', 'read', 'played']
/** proto.WebMessageInfo.Status: 2 is the server's ack, which the engine takes from the stanza itself */
const BY_NUMBER: Readonly<Record<number, MessageStatusName>> = { 3: 'delivered', 4: 'read', 5: 'played' }
const REMEMBERED = 2_000

type Receipts = BaileysEventMap['message-receipt.update']
type Updates = BaileysEventMap['messages.update']

export class Statuses {
	private readonly reached = new BoundedCache<number>(REMEMBERED)
	private readonly account: string
	private readonly store: SessionStore

	constructor(account: string, store: SessionStore) {
		this.account = account
		this.store = store
	}

	acknowledged(messageId: string, chat: string, timestamp: number): MessageStatus {
		return this.status(messageId, chat, chat, 'sent', timestamp)
	}

	/** Of one-to-one chats. Correlated by message id: the chat may come back in another form than it was written in. */
	ofUpdates(updates: Updates): MessageStatus[] {
		return updates.flatMap(({ key, update }) => {
			const name = BY_NUMBER[update.status ?? -1]
			const sent = key.fromMe && key.id ? this.store.sent(key.id) : undefined
			if (!name || !sent || !key.id || !this.rises(key.id, sent.chat, name)) return []
			return [this.status(key.id, sent.chat, sent.chat, name, Number(update.messageTimestamp ?? 0) * 1000)]
		})
	}

	/** Of groups: who received or read it. */
	async ofReceipts(receipts: Receipts, socket: WASocket): Promise<MessageStatus[]> {
		const statuses: MessageStatus[] = []
		for (const { key, receipt } of receipts) {
			const sent = key.id ? this.store.sent(key.id) : undefined
			if (!sent || !key.id || !receipt.userJid) continue
			const name = receipt.readTimestamp ? 'read' : 'delivered'
			const person: Person = await identify(socket, bareJid(receipt.userJid))
			if (!this.rises(key.id, personId(person), name)) continue
			const time = Number(receipt.readTimestamp ?? receipt.receiptTimestamp ?? 0) * 1000
			statuses.push(this.status(key.id, sent.chat, personId(person), name, time))
		}
		return statuses
	}

	/** Of groups: who played it. Baileys tells it as read. */
	async ofPlayed({ attrs, content }: BinaryNode, socket: WASocket): Promise<MessageStatus[]> {
		if (!isGroup(attrs.from ?? '') || !attrs.participant) return []
		const [list] = Array.isArray(content) ? content : []
		const further = Array.isArray(list?.content) ? list.content.map(item => item.attrs.id) : []
		const recipient = personId(await identify(socket, bareJid(attrs.participant)))
		return [attrs.id, ...further].flatMap(id => {
			const sent = id ? this.store.sent(id) : undefined
			if (!id || !sent || !this.rises(id, recipient, 'played')) return []
			return [this.status(id, sent.chat, recipient, 'played', Number(attrs.t ?? 0) * 1000)]
		})
	}

	private rises(messageId: string, recipient: string, name: MessageStatusName): boolean {
		const key = `${messageId} ${recipient}`
		const rank = RANKS.indexOf(name)
		if (rank <= (this.reached.get(key) ?? 0)) return false
		this.reached.set(key, rank)
		return true
	}

	private status(
		messageId: string,
		chat: string,
		recipient: string,
		name: MessageStatusName,
		time: number
	): MessageStatus {
		return {
			account: this.account,
			message_id: messageId,
			chat,
			status: name,
			recipient,
			timestamp: rfc3339(time || Date.now()),
			error_code: null,
			whatsapp_code: null
		}
	}
}
