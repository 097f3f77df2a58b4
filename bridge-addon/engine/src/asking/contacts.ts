/** Whom this link knows. */

import type { WASocket } from 'baileys'
import { type Person, personId } from '../addresses.ts'
import type { Contact, ContactBook } from '../contacts/book.ts'

export interface ListedContact extends Contact {
	chat: string
}

/** Everybody but ourselves. */
export function contactList(book: ContactBook, own: Person): { contacts: ListedContact[] } {
	const others = book.all().filter(({ phone, lid }) => (phone ? phone !== own.phone : lid !== own.lid))
	return { contacts: others.map(contact => ({ chat: personId(contact), ...contact })) }
}

/** What the phone's address book is a part of (Baileys' `ALL_WA_PATCH_NAMES`). */
const ADDRESS_BOOK = 'critical_unblock_low'

/** Fetches the phone's address book from its beginning; else WhatsApp tells only what is new in it. The book hears of it as of any other news. */
export async function fetchAddressBook(socket: WASocket): Promise<void> {
	await socket.authState.keys.set({ 'app-state-sync-version': { [ADDRESS_BOOK]: null } })
	await socket.resyncAppState([ADDRESS_BOOK], false)
}
