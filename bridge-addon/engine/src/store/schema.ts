/** The session store's tables, and how a store of an older engine becomes one of this engine. */

import type { DatabaseSync } from 'node:sqlite'
import { EngineError } from '../protocol.ts'

/** What each version adds to the one before. Steps are added, never changed. The first also takes on the stores that had no version yet. */
const MIGRATIONS: readonly string[] = [
	`
CREATE TABLE IF NOT EXISTS credentials (one INTEGER PRIMARY KEY CHECK (one = 1), value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys (type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (type, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plaintexts (hash TEXT PRIMARY KEY, value BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (message_id TEXT PRIMARY KEY, chat TEXT NOT NULL, message BLOB NOT NULL, at INTEGER NOT NULL,
	until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reported (chat TEXT NOT NULL, sender TEXT NOT NULL, message_id TEXT NOT NULL, at INTEGER NOT NULL,
	PRIMARY KEY (chat, sender, message_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS received (message_id TEXT PRIMARY KEY, key TEXT NOT NULL, author TEXT NOT NULL, message BLOB NOT NULL,
	until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stanzas (message_id TEXT PRIMARY KEY, stanza BLOB NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (delivery INTEGER PRIMARY KEY, method TEXT NOT NULL, params TEXT NOT NULL);
`,
	'CREATE TABLE copied (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);',
	`
CREATE TABLE addresses (message_id TEXT PRIMARY KEY, jid TEXT NOT NULL, participant TEXT, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE contacts (phone TEXT UNIQUE, lid TEXT UNIQUE, name TEXT, push_name TEXT);
`
]

/** Makes the tables, or brings them up to date, in one transaction. Throws `store_unusable` where a newer engine wrote them. */
export function migrate(database: DatabaseSync): void {
	const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
	if (version > MIGRATIONS.length) throw new EngineError('store_unusable', `written by a newer engine (${version})`)
	if (version === MIGRATIONS.length) return
	const steps = MIGRATIONS.slice(version).join('')
	database.exec(`BEGIN IMMEDIATE; ${steps} PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`)
}
