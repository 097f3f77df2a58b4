/** One account: its state, its connection and what becomes of it, its pairing, its messages. */

import type { BinaryNode, WAMessage, WASocket } from 'baileys'
import { Acknowledgements } from './acknowledgements.ts'
import { chatTypeOf, lidOf, type Person, personOf, phoneOf } from './addresses.ts'
import { Asking } from './asking/asking.ts'
import { ContactBook } from './contacts/book.ts'
import { Caches, type Closed, Connection, LOST, RESTART, type WhatsApp } from './connection.ts'
import { afterClose, backoff, pairingErrorOf, STORE_FAILED } from './connection-policy.ts'
import { Deliveries } from './deliveries.ts'
import { Happenings } from './happenings.ts'
import { describe, log } from './log.ts'
import { Pairing, type PairingEnd } from './pairing.ts'
import type { PasskeyAssertion, StartPairing } from './parameters.ts'
import {
	type AccountStateName,
	EngineError,
	type Notify,
	type PairingErrorCode,
	type Reason,
	rfc3339
} from './protocol.ts'
import { download, type Downloaded } from './receiving/download.ts'
import type { DownloadOrder } from './receiving/download-order.ts'
import { receivedMessage } from './receiving/received-message.ts'
import { whileConnected } from './failures.ts'
import { MediaHosts } from './media-hosts.ts'
import { Presence } from './presence.ts'
import type { Order } from './sending/order.ts'
import { Sender, type Sent } from './sending/sender.ts'
import type { SessionStore } from './session-store.ts'
import { Statuses } from './statuses.ts'
import { Storm } from './storm.ts'
import { within } from './within.ts'

const UNLINK_LIMIT_MS = 5_000
/** Less than the gateway waits for our end. */
const WIND_DOWN_LIMIT_MS = 3_000

export class Account {
	private state: AccountStateName = 'starting'
	private reason: Reason | null = null
	private since = Date.now()
	private retryAt: number | null = null
	private told = ''
	private connection: Connection | undefined
	private connectedAt = 0
	private pairing: Pairing | undefined
	private failures = 0
	private retry: NodeJS.Timeout | undefined
	private receiving: Promise<void> = Promise.resolve()
	private readonly storm = new Storm()
	private readonly caches = new Caches()
	private readonly hosts = new MediaHosts()
	private readonly acknowledgements = new Acknowledgements()
	private readonly statuses: Statuses
	private readonly deliveries: Deliveries
	private readonly sender: Sender
	private readonly presence: Presence
	private readonly book: ContactBook
	private readonly happenings: Happenings
	/** what is asked of WhatsApp, and of what this link knows */
	readonly asking: Asking
	private readonly id: string
	private readonly store: SessionStore
	private readonly whatsapp: WhatsApp
	private readonly notify: Notify

	constructor(id: string, store: SessionStore, whatsapp: WhatsApp, notify: Notify) {
		this.id = id
		this.store = store
		this.whatsapp = whatsapp
		this.notify = notify
		this.statuses = new Statuses(id, store)
		this.deliveries = new Deliveries(store, notify)
		this.book = new ContactBook(store)
		this.happenings = new Happenings({
			account: id,
			deliveries: this.deliveries,
			book: this.book,
			connectedAt: () => this.connectedAt
		})
		this.presence = new Presence(changed => notify('presence.changed', { account: id, ...changed }))
		this.sender = new Sender({
			store,
			caches: this.caches,
			hosts: this.hosts,
			acknowledgements: this.acknowledgements,
			connected: () => this.connected(),
			acknowledged: (messageId, chat, timestamp) => {
				if (chatTypeOf(chat) === 'person') this.happenings.met(personOf(chat))
				notify('message.status', this.statuses.acknowledged(messageId, chat, timestamp))
			}
		})
		this.asking = new Asking({
			store,
			book: this.book,
			presence: this.presence,
			happenings: this.happenings,
			own: () => this.own,
			ask: question => this.ask(question),
			chat: (chat, socket) => this.sender.chat(chat, socket)
		})
	}

	/** `acknowledged`: the newest delivery that the gateway has. */
	start(acknowledged: number): void {
		this.store.onFailure = () => this.connection?.giveUp({ code: STORE_FAILED })
		this.deliveries.begin(acknowledged)
		this.tell()
		if (this.store.paired) {
			this.connect('connecting', null)
		} else {
			this.discardHalfPaired()
			this.become('logged_out', 'not_paired')
		}
	}

	/** The gateway has all deliveries up to this one. Resolves when they are forgotten. */
	async acknowledge(delivery: number): Promise<void> {
		await this.deliveries.acknowledge(delivery)
	}

	/** Writes a copy of the store to a file; returns its size in bytes. */
	backUp(path: string): number {
		return this.store.copyTo(path)
	}

	async stop(): Promise<void> {
		await this.windDown()
		this.store.close()
	}

	/**
	 * Ends pairing and connection, and waits until what was received has been told. What takes long (it asks WhatsApp something that nobody answers any more)
	 * is told after the next start: an engine whose gateway has died must let go of the store soon.
	 */
	private async windDown(): Promise<void> {
		this.pairing?.end('cancelled')
		this.disconnect()
		if (!(await within(this.receiving, WIND_DOWN_LIMIT_MS))) log('warning', 'wound_down_early', { account: this.id })
		this.deliveries.flush()
	}

	/** Unlinks at WhatsApp where it can be reached, and puts the credentials aside. Resolves with whether WhatsApp confirmed. */
	async erase(): Promise<boolean> {
		const unlinked = await this.unlink()
		await this.windDown()
		void this.deliveries.acknowledge(Number.MAX_SAFE_INTEGER)
		this.deliveries.flush()
		this.store.retire()
		return unlinked
	}

	private async unlink(): Promise<boolean> {
		const { me } = this.store.credentials
		if (this.state !== 'connected' || !me) return false
		const removal = { tag: 'remove-companion-device', attrs: { jid: me.id, reason: 'user_initiated' } }
		try {
			const answer = await this.connection?.socket.query(
				{ tag: 'iq', attrs: { to: '@s.whatsapp.net', type: 'set', xmlns: 'md' }, content: [removal] },
				UNLINK_LIMIT_MS
			)
			return answer !== undefined
		} catch (error) {
			log('warning', 'unlink_failed', { account: this.id, error: describe(error) })
			return false
		}
	}

	// state

	private get own(): Person {
		const { me } = this.store.credentials
		return { phone: phoneOf(me?.id), lid: lidOf(me?.lid) }
	}

	private become(state: AccountStateName, reason: Reason | null, retryAt: number | null = null): void {
		if (state !== this.state || reason !== this.reason) this.since = Date.now()
		this.state = state
		this.reason = reason
		this.retryAt = retryAt
		this.tell()
	}

	/** Tells the gateway, where anything has changed. */
	private tell(): void {
		const known = this.store.paired ? this.own : { phone: null, lid: null }
		const state = {
			account: this.id,
			state: this.state,
			reason: this.reason,
			...known,
			name: (this.store.paired && this.store.credentials.me?.name) || null,
			since: rfc3339(this.since),
			retry_at: this.retryAt === null ? null : rfc3339(this.retryAt)
		}
		const text = JSON.stringify(state)
		if (text === this.told) return
		this.told = text
		this.notify('account.state', state)
	}

	// connection

	private connect(state: AccountStateName, reason: Reason | null): void {
		this.disconnect()
		this.become(state, reason)
		const connection: Connection = new Connection(this.store, this.caches, this.whatsapp, {
			socket: socket => {
				this.sender.attach(socket)
				this.presence.attach(socket)
				const { pairing } = this
				pairing?.attach(socket, (...ending) => {
					if (this.pairing === pairing) this.endPairing(...ending)
				})
			},
			paired: () => {
				if (this.connection !== connection) return
				this.pairing?.succeed()
				this.become('connecting', null)
			},
			open: () => this.opened(),
			messages: messages => this.receive(connection.socket, messages),
			updates: updates => {
				for (const status of this.statuses.ofUpdates(updates)) this.deliveries.tell('message.status', status)
			},
			receipts: receipts => this.receiveReceipts(connection.socket, receipts),
			played: stanza => this.inTurn(() => this.receivePlayed(connection.socket, stanza)),
			call: stanza => this.inTurn(() => this.happenings.call(stanza, connection.socket)),
			notification: stanza => this.inTurn(() => this.happenings.notification(stanza, connection.socket)),
			contacts: contacts => this.inTurn(() => this.happenings.contacts(contacts, connection.socket)),
			// the owner may be called otherwise now
			credentials: () => {
				if (this.state === 'connected') this.tell()
			},
			acknowledged: stanza => this.acknowledgements.take(stanza),
			closed: closed => {
				// an older connection of this account has been replaced on purpose
				if (this.connection === connection) this.closed(closed)
			}
		})
		this.connection = connection
	}

	/** Ends the connection without consequences. */
	private disconnect(): void {
		clearTimeout(this.retry)
		this.retry = undefined
		const { connection } = this
		this.connection = undefined
		connection?.giveUp({ code: LOST })
		this.presence.end()
		this.acknowledgements.connectionLost()
	}

	private opened(): void {
		this.failures = 0
		this.connectedAt = Date.now()
		this.storm.loggedIn(this.connectedAt)
		this.pairing = undefined
		this.deliveries.flush()
		this.become('connected', null)
	}

	private closed(closed: Closed): void {
		this.connection = undefined
		this.presence.end()
		this.acknowledgements.connectionLost()
		this.caches.groups.flushAll()
		const consequence = afterClose(closed, this.failures++, Math.random())
		log('info', 'connection_closed', { account: this.id, code: closed.code, failures: this.failures })
		if (this.pairing && !this.pairing.accepted) {
			const lost = closed.neverOpened ? 'connect_timeout' : pairingErrorOf(consequence.reason)
			this.endPairing('failed', this.pairing.phoneAnswered ? 'pairing_code_outdated' : lost)
			return
		}
		const { state, forget } = consequence
		const reason = closed.neverOpened ? 'connect_timeout' : consequence.reason
		if (forget) this.forget()
		if (consequence.retryAfter === null) {
			this.become(state, reason)
			return
		}
		const rest = this.storm.rest(Date.now())
		if (rest) log('warning', 'storm', { account: this.id, rest })
		const retryAfter = Math.max(consequence.retryAfter, rest)
		// the restart after a pairing is part of the first connection, not a disturbance
		const first = this.pairing?.accepted === true && closed.code === RESTART
		if (first) this.become('connecting', null)
		else this.become(state, reason, retryAfter ? Date.now() + retryAfter : null)
		this.retry = setTimeout(() => this.tryAgain(first ? null : reason), retryAfter)
		if (reason === 'client_outdated') void this.refreshVersion(this.retry)
	}

	/** Connects once more; `reason` is why it had to wait, null where it did not. A store that cannot be used is waited for. */
	private tryAgain(reason: Reason | null): void {
		if (reason === 'store_unusable' && !this.store.usable) {
			const wait = backoff(this.failures++, Math.random())
			this.become('failed', reason, Date.now() + wait)
			this.retry = setTimeout(() => this.tryAgain(reason), wait)
		} else
			this.connect(reason ? 'reconnecting' : 'connecting', reason === 'store_unusable' ? 'connection_lost' : reason)
	}

	/** WhatsApp says that we are too old: where a newer version is known, there is nothing to wait for. */
	private async refreshVersion(waiting: NodeJS.Timeout): Promise<void> {
		if (!(await this.whatsapp.version.refresh()) || this.retry !== waiting) return
		clearTimeout(waiting)
		this.tryAgain('client_outdated')
	}

	/** The link is lost. Where its credentials can't be put aside they stay, and the next start or pairing tries again. */
	private forget(): void {
		try {
			this.store.archive()
		} catch (error) {
			log('error', 'credentials_not_archived', { account: this.id, error: describe(error) })
		}
	}

	// pairing

	startPairing({ method, phone, expectedPhone }: StartPairing): void {
		if (this.store.paired && ['connected', 'connecting', 'reconnecting', 'starting'].includes(this.state)) {
			throw new EngineError('already_paired', 'this account is linked')
		}
		if (this.reason === 'store_unusable') throw new EngineError('store_unusable', 'the session store cannot be written')
		this.pairing?.end('cancelled')
		this.disconnect()
		if (this.store.paired) this.store.archive()
		this.discardHalfPaired()
		this.failures = 0
		const pairing: Pairing = new Pairing({ method, phone, expectedPhone }, this.store, update =>
			this.notify('pairing.update', { account: this.id, ...update })
		)
		this.pairing = pairing
		this.connect('pairing', null)
	}

	cancelPairing(): void {
		if (this.pairing && !this.pairing.accepted) this.endPairing('cancelled', null)
	}

	/** Throws `passkey_not_requested`. */
	async answerPasskey(assertion: PasskeyAssertion): Promise<void> {
		await this.pairingNow().answerPasskey(assertion)
	}

	/** Throws `passkey_not_requested`. */
	async confirmPasskey(same: boolean): Promise<void> {
		await this.pairingNow().confirmPasskey(same)
	}

	private pairingNow(): Pairing {
		if (!this.pairing) throw new EngineError('passkey_not_requested', 'no pairing is under way')
		return this.pairing
	}

	private endPairing(status: PairingEnd, errorCode: PairingErrorCode | null, retryAt?: number): void {
		const { pairing } = this
		this.pairing = undefined
		pairing?.end(status, errorCode, retryAt)
		this.disconnect()
		this.discardHalfPaired()
		this.become('logged_out', 'not_paired')
	}

	/** Credentials that name a number but were never linked would log in, and be refused: Baileys sets them when it asks for a code. */
	private discardHalfPaired(): void {
		if (!this.store.paired) this.store.discard()
	}

	// messages

	private receive(socket: WASocket, messages: WAMessage[]): void {
		const { store, connectedAt } = this
		this.receiving = this.receiving.then(async () => {
			for (const message of messages) {
				try {
					const receiver = { account: this.id, socket, store, own: this.own, connectedAt }
					const received = await receivedMessage(message, receiver)
					if (received) {
						if (!received.message.from_me) this.happenings.met(received.message.sender)
						this.deliveries.tellOnce('message.received', received.message, received.once)
					} else if (message.key.id) store.forgetStanza(message.key.id)
				} catch (error) {
					log('error', 'message_not_reported', { account: this.id, error: describe(error) })
				}
			}
		})
	}

	/** Works off what came in, one after the other. What fails is logged, and holds nothing up. */
	private inTurn(work: () => Promise<void>): void {
		this.receiving = this.receiving
			.then(work)
			.catch((error: unknown) => log('error', 'not_reported', { account: this.id, error: describe(error) }))
	}

	private async receivePlayed(socket: WASocket, stanza: BinaryNode): Promise<void> {
		for (const status of await this.statuses.ofPlayed(stanza, socket)) this.deliveries.tell('message.status', status)
	}

	private receiveReceipts(socket: WASocket, receipts: Parameters<Statuses['ofReceipts']>[0]): void {
		this.inTurn(async () => {
			for (const status of await this.statuses.ofReceipts(receipts, socket))
				this.deliveries.tell('message.status', status)
		})
	}

	/** Resolves when WhatsApp's server has taken the message, with its time. */
	send(order: Order): Promise<Sent> {
		return this.sender.send(order)
	}

	/** Fetches the file of a received message. */
	async download(order: DownloadOrder): Promise<Downloaded> {
		return this.ask(socket => download(order, { socket, store: this.store, hosts: this.hosts }))
	}

	/** Asks WhatsApp something, now. Throws `not_connected`. */
	async ask<T>(question: (socket: WASocket) => Promise<T>): Promise<T> {
		const { socket } = this.connected()
		return whileConnected(socket, () => question(socket))
	}

	private connected(): Connection {
		const { connection } = this
		if (this.state !== 'connected' || !connection) throw new EngineError('not_connected', 'not connected to WhatsApp')
		return connection
	}
}
