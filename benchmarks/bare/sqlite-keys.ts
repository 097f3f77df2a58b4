/**
 * The store of the bare bot: as durable as ours (SQLite, WAL, synced to disk, one commit for each `set`) and nothing more. It is
 * written anew here, so that a better store of ours does not make the floor better too.
 */

import { DatabaseSync } from 'node:sqlite'
import {
	type AuthenticationState,
	BufferJSON,
	initAuthCreds,
	proto,
	type SignalDataSet,
	type SignalDataTypeMap
} from '../../bridge-addon/engine/node_modules/baileys/lib/index.js'

export interface SqliteAuth {
	state: AuthenticationState
	saveCredentials(): void
}

export function sqliteAuth(path: string): SqliteAuth {
	const database = new DatabaseSync(path)
	database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
		CREATE TABLE IF NOT EXISTS keys (type TEXT, id TEXT, value TEXT, PRIMARY KEY (type, id)) WITHOUT ROWID`)
	const read = database.prepare('SELECT value FROM keys WHERE type = ? AND id = ?')
	const put = database.prepare('INSERT OR REPLACE INTO keys VALUES (?, ?, ?)')
	const remove = database.prepare('DELETE FROM keys WHERE type = ? AND id = ?')
	const load = (type: string, id: string) => {
		const row = read.get(type, id)
		return row && JSON.parse(String(row.value), BufferJSON.reviver)
	}
	const save = (type: string, id: string, value: unknown) => {
		if (value) put.run(type, id, JSON.stringify(value, BufferJSON.replacer))
		else remove.run(type, id)
	}
	const keys: AuthenticationState['keys'] = {
		get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
			const found: { [id: string]: SignalDataTypeMap[T] } = {}
			for (const id of ids) {
				const value = load(type, id)
				if (value)
					found[id] = type === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value) : value
			}
			return found
		},
		set(data: SignalDataSet) {
			database.exec('BEGIN IMMEDIATE')
			for (const [type, entries] of Object.entries(data)) {
				for (const [id, value] of Object.entries(entries ?? {})) save(type, id, value)
			}
			database.exec('COMMIT')
		}
	}
	const creds = load('creds', '') ?? initAuthCreds()
	return { state: { creds, keys }, saveCredentials: () => save('creds', '', creds) }
}
