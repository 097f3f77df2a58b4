/** One account's sends: each composed once, written to WhatsApp, and done when its server has acknowledged it. */

import { setImmediate as turn } from 'node:timers/promises'
import type { proto, WASocket } from 'baileys'
import type { Acknowledgements } from '../acknowledgements.ts'
import { BoundedCache } from '../bounded-cache.ts'
import { type Caches, type Connection, LOST } from '../connection.ts'
import { describe, log } from '../log.ts'
import { EngineError, rfc3339 } from '../protocol.ts'
import { Recipients } from '../recipients.ts'
import type { SessionStore } from '../session-store.ts'
import { type Chat, chatOf } from './chat.ts'
import { type Composed, compose } from './compose.ts'
import { channelStanza, envelopeOf } from './envelope.ts'
import { sendFailure, whileConnected } from '../failures.ts'
import type { MediaHosts } from '../media-hosts.ts'
import type { Order } from './order.ts'
import { refuseImpossible } from './possible.ts'
import { rememberToken } from './privacy-token.ts'
import { withDeadline } from '../within.ts'
import { answerStatusRetries } from './status-retries.ts'

const STATUS_RETRIES_KEPT = 1_000

export interface Sent {
	message_id: string
	chat: string
	timestamp: string
}

/** What the sender needs of its account. */
export interface SenderAccount {
	store: SessionStore
	caches: Caches
	hosts: MediaHosts
	acknowledgements: Acknowledgements
	/** throws `not_connected` */
	connected(): Connection
	acknowledged(messageId: string, chat: string, timestamp: number): void
}

export class Sender {
	private readonly recipients = new Recipients()
	private readonly statusRetries = new BoundedCache<number>(STATUS_RETRIES_KEPT)
	private readonly account: SenderAccount

	constructor(account: SenderAccount) {
		this.account = account
	}

	/** Answers what a new connection's peers ask for. */
	attach(socket: WASocket): void {
		answerStatusRetries(socket, this.account.store, this.statusRetries)
	}

	/** Resolves when WhatsApp's server has taken the message, with its time. */
	async send(order: Order): Promise<Sent> {
		const deadline = Date.now() + Math.round(order.timeout * 1000)
		const { message_id: messageId, to } = order
		// a synchronous store and many sends would otherwise keep the loop from reading a single acknowledgement
		await turn()
		refuseImpossible(order)
		const { socket } = this.account.connected()
		const chat = await whileConnected(socket, () => this.chat(to, socket))
		const audience = await whileConnected(socket, () => this.audience(order, socket))
		const composed = this.composedBefore(order, chat) ?? (await this.composeAndKeep(order, chat, socket, deadline))
		// an upload may outlive the connection that it began on
		const timestamp = await this.relay(this.account.connected(), chat, composed, messageId, audience, deadline)
		this.keepEdit(order, composed.message)
		this.account.acknowledged(messageId, to, timestamp)
		return { message_id: messageId, chat: to, timestamp: rfc3339(timestamp) }
	}

	/** A chat as it is written to now. Throws `recipient_not_on_whatsapp`. */
	chat(id: string, socket: WASocket): Promise<Chat> {
		return chatOf(id, socket, this.recipients, this.account.caches.groups)
	}

	/** The same id again is the same message: same secrets, and no second upload. */
	private composedBefore({ message_id, to }: Order, chat: Chat): Composed | undefined {
		const kept = this.account.store.sent(message_id)
		return kept?.chat === to && chat.type !== 'channel' ? { message: kept.message, handle: null } : undefined
	}

	private async composeAndKeep(order: Order, chat: Chat, socket: WASocket, deadline: number): Promise<Composed> {
		const { store } = this.account
		const composed = await withDeadline(Math.max(0, deadline - Date.now()), signal =>
			whileConnected(socket, () => compose(order, { chat, socket, store, hosts: this.account.hosts, signal }))
		)
		if (chat.type === 'channel') store.keepSentNow(order.message_id, order.to, composed.message)
		else store.keepSent(order.message_id, order.to, composed.message)
		return composed
	}

	/** Who sees a status post: those of the audience who are on WhatsApp, and our own devices. */
	private async audience({ audience }: Order, socket: WASocket): Promise<string[] | undefined> {
		if (!audience.length) return undefined
		const jids: string[] = []
		for (const person of audience) {
			try {
				jids.push(await this.recipients.resolve(socket, person))
			} catch (error) {
				if (!(error instanceof EngineError) || error.code !== 'recipient_not_on_whatsapp') throw error
			}
		}
		if (!jids.length) throw new EngineError('recipient_not_on_whatsapp', 'nobody of the audience is on WhatsApp')
		return [...jids, socket.user?.id.replace(/:\d+@/, '@') ?? '']
	}

	private async relay(
		connection: Connection,
		chat: Chat,
		{ message, handle }: Composed,
		messageId: string,
		audience: string[] | undefined,
		deadline: number
	): Promise<number> {
		const { acknowledgements } = this.account
		const { socket } = connection
		const channel = chat.type === 'channel' ? channelStanza(chat.jid, messageId, message, handle) : undefined
		const stanzaId = channel?.attrs.id ?? messageId
		const acknowledged = acknowledgements.wait(stanzaId, Math.max(0, deadline - Date.now()))
		let written = false
		const write = channel
			? socket.sendNode(channel)
			: socket.relayMessage(chat.jid, message, { messageId, ...envelopeOf(message), statusJidList: audience })
		write
			.then(
				() => {
					written = true
					return chat.type === 'person' && !message.protocolMessage ? rememberToken(socket, chat.jid) : undefined
				},
				(error: unknown) => acknowledgements.abandon(stanzaId, sendFailure(error, socket))
			)
			.catch((error: unknown) => log('warning', 'token_not_kept', { error: describe(error) }))
		try {
			return await acknowledged
		} catch (error) {
			// Baileys holds a lock while it writes: one send that hangs would hang all
			if (!written && error instanceof EngineError && error.code === 'acknowledgement_timeout')
				connection.giveUp({ code: LOST })
			throw error
		}
	}

	/** From now on the edited message is what may be forwarded, quoted, or asked for again. */
	private keepEdit({ content }: Order, { protocolMessage }: proto.IMessage): void {
		if (content.type !== 'edit' || !protocolMessage?.editedMessage) return
		this.account.store.rewriteSent(content.message_id, protocolMessage.editedMessage)
	}
}
