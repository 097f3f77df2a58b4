/** Which phone numbers are on WhatsApp, asked in one question. */

import type { WASocket } from 'baileys'
import { bareJid, phoneOf } from '../addresses.ts'
import { EngineError } from '../protocol.ts'

export interface CheckedNumber {
	phone: string
	exists: boolean
	/** its chat id, which may be spelled otherwise than the number; null where it does not exist */
	chat: string | null
}

/** Throws `not_connected` where WhatsApp does not answer. */
export async function checkNumbers(socket: WASocket, phones: string[]): Promise<{ numbers: CheckedNumber[] }> {
	const found = await present(socket, phones)
	// some countries' numbers have two spellings, and WhatsApp answers with its own: only one alone tells which is meant
	const respelled = [...found].some(phone => !phones.includes(phone))
	const numbers: CheckedNumber[] = []
	for (const phone of phones) {
		const [other] = respelled && !found.has(phone) ? await present(socket, [phone]) : []
		const chat = found.has(phone) ? phone : (other ?? null)
		numbers.push({ phone, exists: chat !== null, chat })
	}
	return { numbers }
}

async function present(socket: WASocket, phones: string[]): Promise<Set<string>> {
	const answer = await socket.onWhatsApp(...phones.map(phone => phone.slice(1)))
	if (!answer) throw new EngineError('not_connected', 'WhatsApp did not say which numbers are registered')
	return new Set(answer.flatMap(({ jid, exists }) => (exists ? (phoneOf(bareJid(jid)) ?? []) : [])))
}
