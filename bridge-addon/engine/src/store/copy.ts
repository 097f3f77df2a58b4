/**
 * Copies of a session store, and what is done to one that is put in its place again.
 *
 * A copy is behind as soon as the store goes on: a message that is then encrypted under a key which was used already is taken for a repetition
 * and dropped by its recipient, without a word. So a copy that is opened as a store begins new Signal sessions for all that it sends. What it
 * receives under newer keys it asks for once more, as Baileys does by itself.
 */

import { closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type AuthenticationCreds, jidDecode } from 'baileys'
import { describe } from '../log.ts'
import { EngineError } from '../protocol.ts'

/** Far more than are ever uploaded between two backups: WhatsApp must not get other keys under numbers that it knows. */
const PRE_KEYS_SKIPPED = 10_000

/** Writes a consistent copy of an open store, whole or not at all. Returns its size in bytes. Throws `store_unusable`. */
export function copyStore(database: DatabaseSync, path: string): number {
	const draft = `${path}.part`
	try {
		rmSync(draft, { force: true })
		// SQLite takes an empty file too: nobody else may read it, not even while it is written
		closeSync(openSync(draft, 'wx', 0o600))
		database.prepare('VACUUM INTO ?').run(draft)
		const copy = new DatabaseSync(draft)
		// decrypted texts are of use to the connection alone that they came in on
		copy.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; DELETE FROM plaintexts')
		copy.prepare('INSERT OR REPLACE INTO copied (one, at) VALUES (1, ?)').run(Date.now())
		copy.close()
		const { size } = statSync(draft)
		renameSync(draft, path)
		return size
	} catch (error) {
		rmSync(draft, { force: true })
		throw new EngineError('store_unusable', describe(error))
	}
}

/** When this store was copied, in Unix milliseconds; undefined where it is no copy, or was made fit for use already. */
export function copiedAt(database: DatabaseSync): number | undefined {
	const row = database.prepare('SELECT at FROM copied').get()
	return row && Number(row.at)
}

interface Session {
	_sessions: Record<string, { indexInfo: { closed: number } }>
}

/** Makes a copy fit for use; `credentials` are changed in place. Within a transaction of the caller's. */
export function makeFitForUse(database: DatabaseSync, credentials: AuthenticationCreds): void {
	const put = database.prepare("UPDATE keys SET value = ? WHERE type = 'session' AND id = ?")
	for (const { id, value } of database.prepare("SELECT id, value FROM keys WHERE type = 'session'").all()) {
		// closed, not deleted: it still opens what was written before
		const session = JSON.parse(String(value)) as Session
		for (const { indexInfo } of Object.values(session._sessions ?? {}))
			if (indexInfo.closed === -1) indexInfo.closed = Date.now()
		put.run(JSON.stringify(session), String(id))
	}
	const { me } = credentials
	for (const jid of [me?.id, me?.lid]) {
		const user = jid && jidDecode(jid)?.user
		// `<group>::<user>::<device>`, and `<user>_<domain>` for a LID (libsignal's addresses, Baileys' SenderKeyName)
		if (user)
			database
				.prepare("DELETE FROM keys WHERE type = 'sender-key' AND (id GLOB ? OR id GLOB ?)")
				.run(`*::${user}::*`, `*::${user}_*::*`)
	}
	database.exec("DELETE FROM keys WHERE type = 'sender-key-memory'; DELETE FROM copied")
	credentials.nextPreKeyId += PRE_KEYS_SKIPPED
	credentials.firstUnuploadedPreKeyId = credentials.nextPreKeyId
}
