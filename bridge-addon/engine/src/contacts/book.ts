/** The people that a link has met, or that the phone's address book has told: by number, by LID or both, with what they are called. */

import type { Person } from '../addresses.ts'
import type { SessionStore } from '../session-store.ts'

/** A list of all of them is one line of the protocol: whoever was new or changed longest ago goes first. */
const KEPT = 5_000
const PRUNE_EVERY = 500

const FIELDS = ['phone', 'lid', 'name', 'push_name'] as const

export interface Contact extends Person {
	/** in the phone's address book */
	name: string | null
	/** what they call themselves */
	push_name: string | null
}

export class ContactBook {
	private readonly store: SessionStore
	private writes = 0

	constructor(store: SessionStore) {
		this.store = store
	}

	/** All, whoever changed last first. */
	all(): Contact[] {
		return this.store.rows('SELECT phone, lid, name, push_name FROM contacts ORDER BY rowid DESC').map(contactOf)
	}

	/** What is known of somebody. */
	find({ phone, lid }: Person): Contact | undefined {
		return this.rowsOf(phone, lid)[0]
	}

	private rowsOf(phone: string | null, lid: string | null): Contact[] {
		const sql = 'SELECT phone, lid, name, push_name FROM contacts WHERE phone = ? OR lid = ? ORDER BY rowid DESC'
		return this.store.rows(sql, phone, lid).map(contactOf)
	}

	/**
	 * Takes over what is seen of somebody now; what is null or left out stays. Returns the contact where it was known already, and anything of it
	 * is new.
	 */
	note(seen: Partial<Contact>): Contact | undefined {
		const { phone = null, lid = null } = seen
		if (!phone && !lid) return undefined
		const known = this.rowsOf(phone, lid)
		const value = (field: keyof Contact) => seen[field] || known.find(one => one[field])?.[field] || null
		const now = { phone: value('phone'), lid: value('lid'), name: value('name'), push_name: value('push_name') }
		if (known.length === 1 && FIELDS.every(field => known[0]?.[field] === now[field])) return undefined
		// a number and a LID that turn out to be one person were two rows until now
		this.store.rows(
			'INSERT OR REPLACE INTO contacts (phone, lid, name, push_name) VALUES (?, ?, ?, ?)',
			...FIELDS.map(field => now[field])
		)
		this.prune()
		return known.length ? now : undefined
	}

	private prune(): void {
		if (++this.writes % PRUNE_EVERY) return
		this.store.rows(
			'DELETE FROM contacts WHERE rowid NOT IN (SELECT rowid FROM contacts ORDER BY rowid DESC LIMIT ?)',
			KEPT
		)
	}
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const contactOf = ({ phone, lid, name, push_name }: Record<string, unknown>): Contact => ({
	phone: textOf(phone),
	lid: textOf(lid),
	name: textOf(name),
	push_name: textOf(push_name)
})
