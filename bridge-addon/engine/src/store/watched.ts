/** A database that tells of each call that failed, whoever made it: a disk that is full or broken is no fault of one message alone. */

import { DatabaseSync, type StatementSync } from 'node:sqlite'

const CALLS = ['get', 'all', 'run'] as const

export class WatchedDatabase extends DatabaseSync {
	onFailure: (error: unknown) => void = () => undefined

	override exec(sql: string): void {
		this.watch(() => super.exec(sql))
	}

	override prepare(sql: string): StatementSync {
		const statement = this.watch(() => super.prepare(sql))
		for (const name of CALLS) {
			const call = statement[name].bind(statement) as (...values: unknown[]) => unknown
			Object.defineProperty(statement, name, { value: (...values: unknown[]) => this.watch(() => call(...values)) })
		}
		return statement
	}

	private watch<T>(call: () => T): T {
		try {
			return call()
		} catch (error) {
			this.onFailure(error)
			throw error
		}
	}
}

/** What is wrong with a database's structure; undefined where nothing is. */
export function damageOf(database: DatabaseSync): string | undefined {
	const found = String(database.prepare('PRAGMA quick_check(1)').get()?.quick_check)
	return found === 'ok' ? undefined : found
}
