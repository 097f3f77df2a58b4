/** What is known while a message is read. */

import type { proto } from 'baileys'
import type { Person } from '../addresses.ts'
import type { SessionStore } from '../session-store.ts'

export interface Reading {
	store: SessionStore
	/** who wrote it */
	sender: Person
	own: Person
	/** the message id of the album's frame that it belongs to */
	album: string | null
	/** The chat id of who wrote the message that a key names; null for a message of our own. */
	authorOf(key: proto.IMessageKey | null | undefined): Promise<string | null>
}
