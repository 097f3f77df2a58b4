/**
 * One account's secrets in one SQLite database: credentials, Signal keys, and what is needed to keep messages whole across a crash.
 *
 * Each `set` is one transaction, synced to disk (WAL, synchronous=FULL): a ratchet that moved back would make messages undecryptable.
 * The database is locked exclusively while it is open, so that two engines can't run one account.
 */

import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
	type AuthenticationCreds,
	BufferJSON,
	initAuthCreds,
	proto,
	type SignalDataSet,
	type SignalDataTypeMap,
	type SignalKeyStore
} from 'baileys'
import type { Person } from './addresses.ts'
import { describe, log } from './log.ts'
import { EngineError, rfc3339 } from './protocol.ts'
import { copiedAt, copyStore, makeFitForUse } from './store/copy.ts'
import { migrate } from './store/schema.ts'
import { damageOf, WatchedDatabase } from './store/watched.ts'

const DATABASE = 'session.db'
/** what SQLite keeps beside a database, in WAL mode */
const FILES = ['', '-wal', '-shm'] as const
const ARCHIVES_KEPT = 3
const DAY_MS = 24 * 3600 * 1000
const SENT_KEPT_MS = 7 * DAY_MS
/** Votes and answers come for as long as this. */
const POLL_KEPT_MS = 30 * DAY_MS
/** As long as media hosts, or the sender's phone, have a file. */
const RECEIVED_KEPT_MS = 30 * DAY_MS
const REPORTED_KEPT_MS = 14 * DAY_MS
/** A clock that is put right by days (a computer without one of its own, after a power cut) must not cost a message that was not told yet. */
const STANZAS_KEPT_MS = REPORTED_KEPT_MS
const PRUNE_EVERY = 500
/** The key type under which decrypted texts are committed together with the ratchet step. */
export const PLAINTEXT = 'plaintext'

/** What runs for every message, prepared once for an open database. */
const STATEMENTS = {
	get: 'SELECT value FROM keys WHERE type = ? AND id = ?',
	put: 'INSERT OR REPLACE INTO keys (type, id, value) VALUES (?, ?, ?)',
	remove: 'DELETE FROM keys WHERE type = ? AND id = ?',
	plaintext: 'SELECT value FROM plaintexts WHERE hash = ?',
	putPlaintext: 'INSERT OR REPLACE INTO plaintexts (hash, value, at) VALUES (?, ?, ?)',
	sent: 'SELECT chat, message, at FROM sent WHERE message_id = ?',
	putSent: 'INSERT OR REPLACE INTO sent (message_id, chat, message, at, until) VALUES (?, ?, ?, ?, ?)',
	rewriteSent: 'UPDATE sent SET message = ? WHERE message_id = ?',
	wroteOurselves: "SELECT 1 FROM reported WHERE chat = ? AND sender = 'me' AND message_id = ?",
	report: 'INSERT OR IGNORE INTO reported (chat, sender, message_id, at) VALUES (?, ?, ?, ?)',
	received: 'SELECT key, author, message FROM received WHERE message_id = ?',
	putReceived: 'INSERT OR REPLACE INTO received (message_id, key, author, message, until) VALUES (?, ?, ?, ?, ?)',
	rewriteReceived: 'UPDATE received SET message = ? WHERE message_id = ?',
	address: 'SELECT jid, participant FROM addresses WHERE message_id = ?',
	putAddress: 'INSERT OR REPLACE INTO addresses (message_id, jid, participant, at) VALUES (?, ?, ?, ?)',
	keepDelivery: 'INSERT INTO deliveries (delivery, method, params) VALUES (?, ?, ?)',
	// one that comes again, encrypted anew, keeps its place
	keepStanza:
		'INSERT INTO stanzas (message_id, stanza, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET stanza = excluded.stanza',
	forgetStanza: 'DELETE FROM stanzas WHERE message_id = ?',
	forgetDeliveries: 'DELETE FROM deliveries WHERE delivery <= ?'
} as const
type StatementName = keyof typeof STATEMENTS

function prepared(database: DatabaseSync): Record<StatementName, StatementSync> {
	const statements = Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)])
	return Object.fromEntries(statements) as Record<StatementName, StatementSync>
}

/** What of a received message is needed later. */
export interface KeptMessage {
	key: proto.IMessageKey
	author: Person
	message: proto.IMessage
}

/** What was sent, to which chat and when (Unix milliseconds). */
export interface Sent {
	chat: string
	message: proto.IMessage
	at: number
}

/** Something that is told to the gateway. */
export interface Delivery {
	delivery: number
	method: string
	params: string
}

/** Something that is told only once, and what is kept of it when it is. */
export interface Once {
	chat: string
	sender: string
	messageId: string
	address?: Address
	kept?: KeptMessage | undefined
}

/** Where a message came from, as WhatsApp spelled it: a receipt names it the same way. */
export interface Address {
	jid: string
	/** who wrote it, in a group */
	participant: string | null
}

export class SessionStore implements SignalKeyStore {
	credentials: AuthenticationCreds
	private database: WatchedDatabase
	private statements: Record<StatementName, StatementSync>
	private readonly folder: string
	private writes = 0
	/** the newest one that was told */
	private failure: unknown
	/** whether something in it has turned out to be no value of ours */
	private damaged = false
	/** what was sent and is written with the next commit; encoded already, so that it can't keep others' commits from being made */
	private readonly unwritten = new Map<string, Sent & { encoded: Uint8Array; until: number }>()
	/** what came in and is written with the next commit, by message id */
	private readonly arrived = new Map<string, { stanza: Uint8Array; at: number }>()
	/** of modules that have tables of their own */
	private readonly others = new Map<string, StatementSync>()
	/** Called when something could not be written or read: the disk is full, read-only or broken. */
	onFailure: () => void = () => undefined
	/** what `setEarly` has written, by type and id: the very objects that come again */
	private readonly early = new Map<string, unknown>()

	/** Opens or creates it. Throws `account_locked` where another process has it open, `store_unusable` where it can't be used. */
	constructor(folder: string) {
		this.folder = folder
		;[this.database, this.statements] = this.open()
		try {
			this.credentials = this.loadCredentials()
			this.takeOnCopy()
			this.database.onFailure = error => this.failed(error)
		} catch (error) {
			this.database.close()
			throw new EngineError('store_unusable', describe(error))
		}
	}

	private get path(): string {
		return join(this.folder, DATABASE)
	}

	private open(): [WatchedDatabase, SessionStore['statements']] {
		let database: WatchedDatabase | undefined
		try {
			mkdirSync(this.folder, { recursive: true, mode: 0o700 })
			database = new WatchedDatabase(this.path, { timeout: 500 })
			chmodSync(this.path, 0o600)
			database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
			database.exec('PRAGMA secure_delete = FAST')
			migrate(database)
			const damage = damageOf(database)
			if (damage) throw new EngineError('store_unusable', `damaged: ${damage}`)
			return [database, prepared(database)]
		} catch (error) {
			database?.close()
			if (error instanceof EngineError) throw error
			const locked = /locked|busy/i.test(describe(error))
			throw locked
				? new EngineError('account_locked', 'another engine has this account open')
				: new EngineError('store_unusable', describe(error))
		}
	}

	private loadCredentials(): AuthenticationCreds {
		const row = this.database.prepare('SELECT value FROM credentials').get()
		return row ? JSON.parse(String(row.value), BufferJSON.reviver) : initAuthCreds()
	}

	/** A backup that was put in the place of the store is used once it can do no harm. */
	private takeOnCopy(): void {
		const at = copiedAt(this.database)
		if (at === undefined) return
		this.transaction(() => {
			makeFitForUse(this.database, this.credentials)
			this.writeCredentials()
		})
		log('warning', 'session_restored', { copied_at: rfc3339(at) })
	}

	/** Writes a consistent copy to a file, whole or not at all; returns its size in bytes. Throws `store_unusable`. */
	copyTo(path: string): number {
		this.writeWaiting()
		return copyStore(this.database, path)
	}

	/** Whether a phone has linked these credentials: Baileys writes `account` at pair-success and at no other time. */
	get paired(): boolean {
		return this.credentials.account !== undefined
	}

	/** Baileys changes the credentials in place: this writes the whole of them. Where it cannot, `onFailure` is called. */
	saveCredentials(): void {
		try {
			this.writeCredentials()
		} catch (error) {
			this.failed(error)
		}
	}

	private writeCredentials(): void {
		this.database
			.prepare('INSERT OR REPLACE INTO credentials (one, value) VALUES (1, ?)')
			.run(JSON.stringify(this.credentials, BufferJSON.replacer))
	}

	get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]): { [id: string]: SignalDataTypeMap[T] } {
		const found: { [id: string]: SignalDataTypeMap[T] } = {}
		for (const id of ids) {
			const row = this.statements.get.get(type, id)
			if (!row) continue
			const value = this.parsed(String(row.value))
			// Baileys needs the message's own methods on this type
			const revived = type === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value) : value
			found[id] = revived as SignalDataTypeMap[T]
		}
		return found
	}

	/** No key is better than a wrong one: Baileys would take a message for undecryptable, and be done with it. */
	private parsed(text: string): object {
		try {
			return JSON.parse(text, BufferJSON.reviver)
		} catch (error) {
			this.damaged = true
			this.failed(error)
			throw error
		}
	}

	set(data: SignalDataSet): void {
		this.transaction(() => this.writeAll(data))
	}

	/** Writes what a later `set` will write once more; that one then costs nothing. */
	setEarly(steps: SignalDataSet[]): void {
		this.transaction(() => {
			for (const data of steps) this.writeAll(data)
		})
		this.early.clear()
		for (const data of steps)
			for (const [type, entries] of Object.entries(data))
				for (const [id, value] of Object.entries(entries ?? {})) this.early.set(`${type} ${id}`, value)
	}

	private writeAll(data: SignalDataSet): void {
		for (const [type, entries] of Object.entries(data)) {
			for (const [id, value] of Object.entries(entries ?? {})) this.write(type, id, value)
		}
	}

	private write(type: string, id: string, value: unknown): void {
		const name = `${type} ${id}`
		const early = this.early.get(name)
		if (early !== undefined) this.early.delete(name)
		if (early !== undefined && early === value) return
		if (type === PLAINTEXT) this.statements.putPlaintext.run(id, value as Uint8Array, Date.now())
		else if (value === null || value === undefined) this.statements.remove.run(type, id)
		else this.statements.put.run(type, id, JSON.stringify(value, BufferJSON.replacer))
	}

	private transaction(work: () => void): void {
		this.database.exec('BEGIN IMMEDIATE')
		try {
			for (const [messageId, { chat, encoded, at, until }] of this.unwritten)
				this.statements.putSent.run(messageId, chat, encoded, at, until)
			for (const [messageId, { stanza, at }] of this.arrived) this.statements.keepStanza.run(messageId, stanza, at)
			work()
			this.database.exec('COMMIT')
			this.unwritten.clear()
			this.arrived.clear()
		} catch (error) {
			if (this.database.isTransaction) this.database.exec('ROLLBACK')
			this.failed(error)
			throw error
		}
	}

	private failed(error: unknown): void {
		if (error === this.failure) return
		this.failure = error
		log('error', 'store_failed', { error: describe(error) })
		this.onFailure()
	}

	/** Whether it can be read and written now: looks by doing so. */
	get usable(): boolean {
		if (this.damaged) return false
		try {
			this.writeCredentials()
			const damage = damageOf(this.database)
			if (damage) log('warning', 'store_damaged', { damage })
			return !damage
		} catch {
			// told of already
			return false
		}
	}

	/** What a ciphertext decrypted to before the link died: WhatsApp sends it again, but its key was used. */
	plaintext(hash: string): Buffer | undefined {
		const row = this.statements.plaintext.get(hash)
		return row ? Buffer.from(row.value as Uint8Array) : undefined
	}

	/** Texts must not outlive their delivery: those from before a time go, in Unix milliseconds, when all that came in before it was told. */
	forgetPlaintexts(before: number): void {
		try {
			this.database
				.prepare('DELETE FROM plaintexts WHERE at < ? AND NOT EXISTS (SELECT 1 FROM stanzas WHERE at < ?)')
				.run(before, before)
		} catch (error) {
			this.failed(error)
		}
	}

	/**
	 * Keeps what is sent, so that a recipient who can't decrypt it can have it again, also after a restart. It is on the disk with the next commit, and
	 * so before the first byte of it leaves: the step that encrypts it is committed before. `keepSentNow` is for what is not encrypted.
	 */
	keepSent(messageId: string, chat: string, message: proto.IMessage): void {
		const at = Date.now()
		const awaitsAnswers = message.pollCreationMessage || message.pollCreationMessageV3 || message.eventMessage
		const encoded = proto.Message.encode(message).finish()
		const until = at + (awaitsAnswers ? POLL_KEPT_MS : SENT_KEPT_MS)
		this.unwritten.set(messageId, { chat, message, encoded, at, until })
		this.prune()
	}

	keepSentNow(messageId: string, chat: string, message: proto.IMessage): void {
		this.keepSent(messageId, chat, message)
		this.writeWaiting()
	}

	private writeWaiting(): void {
		if (this.unwritten.size || this.arrived.size) this.transaction(() => undefined)
	}

	sent(messageId: string): Sent | undefined {
		const unwritten = this.unwritten.get(messageId)
		if (unwritten) return unwritten
		const row = this.statements.sent.get(messageId)
		const message = row && proto.Message.decode(row.message as Uint8Array)
		return row && message && { chat: String(row.chat), message, at: Number(row.at) }
	}

	/** Gives a kept message another content, under its own secret. */
	rewriteSent(messageId: string, content: proto.IMessage): void {
		this.writeWaiting()
		const kept = this.sent(messageId)?.message
		if (!kept) return
		const message = { ...content, messageContextInfo: kept.messageContextInfo }
		this.statements.rewriteSent.run(proto.Message.encode(message).finish(), messageId)
	}

	/** Whether it was sent from here, or seen to be written on the owner's phone. */
	wroteOurselves(messageId: string, chat: string): boolean {
		return this.sent(messageId)?.chat === chat || this.statements.wroteOurselves.get(chat, messageId) !== undefined
	}

	/**
	 * Keeps what is to be told to the gateway, once, until that has it, and forgets what that has; false, and kept is nothing, where it was told
	 * before.
	 */
	keepDelivery({ delivery, method, params }: Delivery, once: Once, acknowledged: number): boolean {
		let first = true
		this.transaction(() => {
			this.statements.forgetDeliveries.run(acknowledged)
			first = this.statements.report.run(once.chat, once.sender, once.messageId, Date.now()).changes > 0
			if (first) this.statements.keepDelivery.run(delivery, method, params)
			if (first && once.kept) this.keepReceived(once.messageId, once.kept)
			if (first && once.address) this.keepAddress(once.messageId, once.address)
			this.statements.forgetStanza.run(once.messageId)
		})
		this.prune()
		return first
	}

	/** Keeps what else is to be told until the gateway has it, and forgets what that has: all up to a number. */
	keepDeliveries(deliveries: Delivery[], acknowledged: number): void {
		this.transaction(() => {
			for (const { delivery, method, params } of deliveries) this.statements.keepDelivery.run(delivery, method, params)
			this.statements.forgetDeliveries.run(acknowledged)
		})
	}

	private keepReceived(messageId: string, { key, author, message }: KeptMessage): void {
		const encoded = proto.Message.encode(message).finish()
		const until = Date.now() + RECEIVED_KEPT_MS
		this.statements.putReceived.run(messageId, JSON.stringify(key), JSON.stringify(author), encoded, until)
	}

	private keepAddress(messageId: string, { jid, participant }: Address): void {
		this.statements.putAddress.run(messageId, jid, participant, Date.now())
	}

	/** Where a message of the last two weeks came from. */
	addressOf(messageId: string): Address | undefined {
		const row = this.statements.address.get(messageId)
		return row && { jid: String(row.jid), participant: row.participant === null ? null : String(row.participant) }
	}

	/** What is kept of a message that was received, or written on the owner's phone. */
	received(messageId: string): KeptMessage | undefined {
		const row = this.statements.received.get(messageId)
		return (
			row && {
				key: JSON.parse(String(row.key)),
				author: JSON.parse(String(row.author)),
				message: proto.Message.decode(row.message as Uint8Array)
			}
		)
	}

	/** Its file lies elsewhere now. */
	rewriteReceived(messageId: string, message: proto.IMessage): void {
		this.statements.rewriteReceived.run(proto.Message.encode(message).finish(), messageId)
	}

	/**
	 * Keeps a message as it came in: Baileys answers for it before it tells us, and what it holds in memory then dies with the process. It is on the disk
	 * with the next commit, as a rule that of the step that decrypts it, and before the next byte leaves: WhatsApp keeps what was not answered.
	 */
	keepStanza(messageId: string, stanza: Uint8Array): void {
		this.arrived.set(messageId, { stanza, at: Date.now() })
	}

	/** Writes what came in and is not on the disk yet. Throws where it cannot. */
	writeArrived(): void {
		if (this.arrived.size) this.writeWaiting()
	}

	forgetStanza(messageId: string): void {
		this.arrived.delete(messageId)
		this.statements.forgetStanza.run(messageId)
	}

	/** Messages that came in and were never told, in order. */
	untoldStanzas(): Buffer[] {
		try {
			this.writeArrived()
		} catch {
			// it was never answered: WhatsApp sends it again
			this.arrived.clear()
		}
		this.database.prepare('DELETE FROM stanzas WHERE at < ?').run(Date.now() - STANZAS_KEPT_MS)
		const rows = this.database.prepare('SELECT stanza FROM stanzas ORDER BY rowid').all()
		return rows.map(({ stanza }) => Buffer.from(stanza as Uint8Array))
	}

	/** What the gateway has not acknowledged, in order, read as it is needed. */
	undelivered(): Iterable<Delivery> {
		return this.database
			.prepare('SELECT delivery, method, params FROM deliveries ORDER BY delivery')
			.iterate() as Iterable<unknown> as Iterable<Delivery>
	}

	newestDelivery(): number {
		return Number(this.database.prepare('SELECT max(delivery) AS newest FROM deliveries').get()?.newest ?? 0)
	}

	/** Where it can't, that is told of already, and no reason to take back what was written before. */
	private prune(): void {
		if (++this.writes % PRUNE_EVERY) return
		try {
			this.database.prepare('DELETE FROM sent WHERE until < ?').run(Date.now())
			this.database.prepare('DELETE FROM received WHERE until < ?').run(Date.now())
			this.database.prepare('DELETE FROM reported WHERE at < ?').run(Date.now() - REPORTED_KEPT_MS)
			this.database.prepare('DELETE FROM addresses WHERE at < ?').run(Date.now() - REPORTED_KEPT_MS)
		} catch (error) {
			log('warning', 'store_not_pruned', { error: describe(error) })
		}
	}

	/** For tables that only one module works on. */
	rows(sql: string, ...values: (string | number | null)[]): Record<string, unknown>[] {
		let statement = this.others.get(sql)
		if (!statement) this.others.set(sql, (statement = this.database.prepare(sql)))
		return statement.all(...values)
	}

	/**
	 * Ends a link: a copy of the database is put aside, then credentials and keys go. Messages stay, for the next link of the same number.
	 * Where the copy can't be made, all stays as it is, and it throws.
	 */
	archive(): void {
		this.writeWaiting()
		const { archive, path } = newArchive(this.folder)
		this.database.prepare('VACUUM INTO ?').run(path)
		chmodSync(path, 0o600)
		keepNewest(archive)
		this.discard()
	}

	/** Forgets what an attempt to be linked leaves when no phone has accepted it. */
	discard(): void {
		this.transaction(() => this.database.exec('DELETE FROM credentials; DELETE FROM keys'))
		this.credentials = initAuthCreds()
	}

	/** Ends the account: all that it has is put aside. */
	retire(): void {
		this.close()
		putAside(this.folder)
	}

	close(): void {
		if (!this.database.isOpen) return
		try {
			this.writeWaiting()
		} finally {
			this.database.close()
		}
	}
}

/** Puts an account's database aside, also one that can't be opened: whatever is in it stays on the disk for a while. */
export function putAside(folder: string): void {
	const { archive, path: archived } = newArchive(folder)
	for (const suffix of FILES) {
		const path = join(folder, `${DATABASE}${suffix}`)
		if (existsSync(path)) renameSync(path, `${archived}${suffix}`)
	}
	keepNewest(archive)
}

function newArchive(folder: string): { archive: string; path: string } {
	const archive = join(folder, 'archive')
	mkdirSync(archive, { recursive: true, mode: 0o700 })
	const named = (at: number) => join(archive, `session-${at}.db`)
	let at = Date.now()
	while (existsSync(named(at))) at++
	return { archive, path: named(at) }
}

function keepNewest(archive: string): void {
	const databases = readdirSync(archive).filter(file => file.endsWith('.db'))
	for (const old of databases.sort().slice(0, -ARCHIVES_KEPT))
		for (const suffix of FILES) rmSync(join(archive, `${old}${suffix}`), { force: true })
}
