/** Whom this link knows. */

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
