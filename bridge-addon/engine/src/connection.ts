/**
 * One Baileys socket: made, watched, and given up. It is single-use; after its end the account makes a new one.
 *
 * It notices what Baileys does not: an upgrade that is answered with an HTTP error (no event at all), a connection that never opens, and
 * silence. When it gives up it does not wait for the socket's own farewell, which takes up to 30 s on a dead network.
 */

import {
	type AuthenticationState,
	type BaileysEventMap,
	type BinaryNode,
	type CacheStore,
	type Contact as BaileysContact,
	decodeBinaryNode,
	encodeBinaryNode,
	type GroupMetadata,
	makeWASocket,
	type proto,
	type SignalKeyStore,
	type WASocket
} from 'baileys'
import { BoundedCache } from './bounded-cache.ts'
import type { Closed as ClosedByCode } from './connection-policy.ts'
import { keepNoTimers } from './ended-socket.ts'
import { Intake } from './intake.ts'
import { describe, libraryLogger, log } from './log.ts'
import { BROWSER } from './pairing.ts'
import { EngineError } from './protocol.ts'
import type { SessionStore } from './session-store.ts'
import { durableRepository } from './signal-repository.ts'
import type { WhatsAppVersion } from './whatsapp-version.ts'

const KEEP_ALIVE_MS = Number(process.env.ENGINE_KEEPALIVE_MS ?? 15_000)
/** Two unanswered keepalives and a half: 37.5 s. */
const SILENCE_MS = KEEP_ALIVE_MS * 2.5
/** What came in longer ago than this on a link that lives was answered, and WhatsApp has the answer: several keepalives have come back since. */
const SETTLED_MS = KEEP_ALIVE_MS * 8
const OPEN_LIMIT_MS = Number(process.env.ENGINE_OPEN_LIMIT_MS ?? 20_000)
const QUERY_LIMIT_MS = Number(process.env.ENGINE_QUERY_LIMIT_MS ?? 20_000)
/** Baileys' own timer for QR codes ends the connection: the engine owns the codes, so it must never fire. */
const NEVER_MS = 24 * 3600 * 1000
const DEVICES_KEPT = 5_000
const RETRIES_KEPT = 2_000
const GROUPS_KEPT = 500

/** WhatsApp's or Baileys' code for a connection that the engine itself gave up. */
export const LOST = 428
export const TIMED_OUT = 408
/** WhatsApp's own, once a phone has linked us. */
export const RESTART = 515

export interface Closed extends ClosedByCode {
	/** the engine gave up waiting for it to open */
	neverOpened?: boolean
}

/** Where WhatsApp is (null: its own address), and who we say we are there. */
export interface WhatsApp {
	url: string | null
	version: WhatsAppVersion
}

/** What must outlive a socket: Baileys would begin each connection with empty caches and fetch all anew. */
export class Caches {
	readonly devices = new BoundedCache<unknown>(DEVICES_KEPT) as unknown as CacheStore
	readonly retries = new BoundedCache<unknown>(RETRIES_KEPT) as unknown as CacheStore
	readonly groups = new BoundedCache<GroupMetadata>(GROUPS_KEPT)
	/** message ids of what is still in the store, and took too long to work off */
	readonly lateStanzas = new Set<string>()
}

export interface ConnectionEvents {
	socket(socket: WASocket): void
	paired(): void
	open(): void
	messages(messages: BaileysEventMap['messages.upsert']['messages']): void
	updates(updates: BaileysEventMap['messages.update']): void
	receipts(receipts: BaileysEventMap['message-receipt.update']): void
	call(stanza: BinaryNode): void
	/** of a group, or of a picture */
	notification(stanza: BinaryNode): void
	/** they have changed, and are kept */
	credentials(): void
	contacts(contacts: Partial<BaileysContact>[]): void
	/** a receipt of somebody who played a sound */
	played(stanza: BinaryNode): void
	acknowledged(stanza: { tag: string; attrs: Record<string, string> }): void
	closed(closed: Closed): void
}

export class Connection {
	readonly socket: WASocket
	private readonly events: ConnectionEvents
	private readonly store: SessionStore
	private readonly caches: Caches
	private readonly intake: Intake
	/** of a clock that is never put right */
	private lastFrame = performance.now()
	private opening: NodeJS.Timeout | undefined
	private readonly silence: NodeJS.Timeout
	private readonly settling: NodeJS.Timeout
	private ended = false

	constructor(store: SessionStore, caches: Caches, whatsapp: WhatsApp, events: ConnectionEvents) {
		this.store = store
		this.caches = caches
		this.events = events
		this.socket = this.makeSocket(whatsapp)
		this.keepBeforeAnswering()
		this.intake = this.makeIntake()
		this.listen()
		this.opening = setTimeout(() => this.giveUp({ code: TIMED_OUT, neverOpened: true }), OPEN_LIMIT_MS)
		this.silence = setInterval(() => this.checkSilence(), KEEP_ALIVE_MS / 5)
		this.settling = setInterval(() => this.store.forgetPlaintexts(Date.now() - SETTLED_MS), SETTLED_MS / 2)
		events.socket(this.socket)
	}

	private makeSocket({ url, version }: WhatsApp): WASocket {
		const auth: AuthenticationState = { creds: this.store.credentials, keys: this.keys() }
		return makeWASocket({
			auth,
			browser: BROWSER,
			logger: libraryLogger,
			...(url ? { waWebSocketUrl: url } : {}),
			version: version.now,
			connectTimeoutMs: OPEN_LIMIT_MS,
			defaultQueryTimeoutMs: QUERY_LIMIT_MS,
			keepAliveIntervalMs: KEEP_ALIVE_MS,
			qrTimeout: NEVER_MS,
			emitOwnEvents: false,
			markOnlineOnConnect: false,
			syncFullHistory: false,
			userDevicesCache: this.caches.devices,
			msgRetryCounterCache: this.caches.retries,
			cachedGroupMetadata: async jid => this.caches.groups.get(jid),
			getMessage: async key => this.sentMessage(key.id),
			makeSignalRepository: durableRepository(this.store, () => !this.ended)
		})
	}

	/** The store, as long as the connection lasts: Baileys tries a commit again for half a minute, and must not undo what the next connection wrote. */
	private keys(): SignalKeyStore {
		return {
			get: (type, ids) => this.store.get(type, ids),
			set: data => {
				if (this.ended) throw new EngineError('not_connected', 'the connection has ended')
				this.store.set(data)
			}
		}
	}

	/** Baileys answers for a message before it tells of it: what came in is on the disk before a byte leaves, or none leaves. */
	private keepBeforeAnswering(): void {
		// Baileys' client keeps it to itself (lib/Socket/Client/websocket.js), and has made it by now
		const { socket } = this.socket.ws as unknown as { socket: { send(...sent: unknown[]): void } }
		const send = socket.send.bind(socket)
		socket.send = (...sent) => {
			this.store.writeArrived()
			send(...sent)
		}
	}

	/** Takes the place of Baileys' own listeners for messages. */
	private makeIntake(): Intake {
		const { ws } = this.socket
		const handlers = ws.listeners('CB:message') as ((stanza: BinaryNode) => Promise<void>)[]
		ws.removeAllListeners('CB:message')
		ws.on('CB:message', (stanza: BinaryNode) => {
			if (stanza.attrs.id) this.store.keepStanza(stanza.attrs.id, encodeBinaryNode(stanza))
			this.intake.arrived(stanza)
		})
		return new Intake(
			this.store.untoldStanzas().map(encoded => async () => decodeBinaryNode(encoded)),
			async stanza => {
				await Promise.all(handlers.map(handler => handler(stanza)))
			},
			messageId => {
				if (ws.isOpen) this.store.forgetStanza(messageId)
			},
			() => {
				log('warning', 'connection_deaf')
				this.giveUp({ code: LOST })
			},
			this.caches.lateStanzas
		)
	}

	private sentMessage(id: string | null | undefined): proto.IMessage | undefined {
		return id ? this.store.sent(id)?.message : undefined
	}

	private listen(): void {
		const { ev, ws } = this.socket
		ws.on('frame', () => {
			this.lastFrame = performance.now()
		})
		ws.on('unexpected-response', (_request: unknown, response: { statusCode?: number }) => {
			log('warning', 'upgrade_refused', { status: response.statusCode ?? 0 })
			this.giveUp({ code: 503 })
		})
		ws.on('CB:iq,type:set,pair-device', () => clearTimeout(this.opening))
		ws.on('CB:ack,class:message', stanza => this.events.acknowledged(stanza))
		for (const type of ['w:gp2', 'picture'])
			ws.on(`CB:notification,type:${type}`, (stanza: BinaryNode) => {
				this.caches.groups.del(stanza.attrs.from ?? '')
				this.events.notification(stanza)
			})
		ws.on('CB:receipt,type:played', (stanza: BinaryNode) => this.events.played(stanza))
		ws.on('CB:call', (stanza: BinaryNode) => this.events.call(stanza))
		ev.on('creds.update', () => {
			this.store.saveCredentials()
			this.events.credentials()
		})
		ev.on('messages.upsert', ({ messages }) => {
			for (const { key } of messages) this.intake.tell(key.id ?? '')
			this.events.messages(messages)
		})
		ev.on('messages.update', updates => this.events.updates(updates))
		ev.on('message-receipt.update', receipts => this.events.receipts(receipts))
		ev.on('contacts.upsert', contacts => this.events.contacts(contacts))
		ev.on('contacts.update', contacts => this.events.contacts(contacts))
		ev.on('messaging-history.set', ({ contacts }) => this.events.contacts(contacts))
		ev.on('groups.update', groups => {
			for (const { id } of groups) if (id) this.caches.groups.del(id)
		})
		ev.on('group-participants.update', ({ id }) => this.caches.groups.del(id))
		ev.on('connection.update', ({ connection, lastDisconnect, isNewLogin, receivedPendingNotifications }) => {
			if (isNewLogin) this.events.paired()
			if (receivedPendingNotifications) this.backlogDone()
			if (connection === 'open') {
				clearTimeout(this.opening)
				this.openedAt = Date.now()
				this.events.open()
				this.intake.begin()
			}
			if (connection === 'close') this.finish(closedBy(lastDisconnect?.error))
		})
	}

	private openedAt = 0

	/** Until a phone has sent its history, Baileys would hold all events back for 20 s more: nobody here waits for history. */
	private backlogDone(): void {
		this.store.forgetPlaintexts(this.openedAt)
		setTimeout(() => this.socket.ev.flush(), 0)
	}

	private checkSilence(): void {
		if (this.socket.ws.isOpen && performance.now() - this.lastFrame > SILENCE_MS) this.giveUp({ code: LOST })
	}

	/** Ends it from our side; `closed` is called at once, the socket dies in its own time. */
	giveUp(closed: Closed): void {
		if (this.ended) return
		const { socket } = this
		this.finish(closed)
		socket.end(undefined).catch((error: unknown) => log('debug', 'socket_end_failed', { error: describe(error) }))
	}

	private finish(closed: Closed): void {
		if (this.ended) return
		this.ended = true
		clearTimeout(this.opening)
		clearInterval(this.silence)
		clearInterval(this.settling)
		// Baileys throws its buffered events away at the end, though it has sent their receipts
		this.socket.ev.flush()
		// what comes out behind its end stays in the store: it may be a message whose key could not be read
		this.socket.ev.removeAllListeners('messages.upsert')
		this.intake.end()
		keepNoTimers(this.socket)
		this.events.closed(closed)
	}
}

/** Reads WhatsApp's code out of Baileys' error; a `<failure>`'s attributes are in its data. */
function closedBy(error: unknown): Closed {
	const { output, data } = (error ?? {}) as { output?: { statusCode?: number }; data?: { expire?: string } }
	const expire = Number(data?.expire)
	return { code: output?.statusCode ?? LOST, banSeconds: expire > 0 ? expire : undefined }
}
