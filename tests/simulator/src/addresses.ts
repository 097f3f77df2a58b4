/** Phone numbers, hidden numbers (LIDs), groups, and the jids that name them on the wire. */

import { createHash } from 'node:crypto'
import { jidDecode } from 'baileys'

export interface Address {
	user: string
	server: string
	device: number
}

export const STATUS_JID = 'status@broadcast'

export function parseJid(jid: string | undefined): Address | undefined {
	const decoded = jid ? jidDecode(jid) : undefined
	return decoded ? { user: decoded.user, server: decoded.server, device: decoded.device ?? 0 } : undefined
}

export const digits = (phone: string): string => phone.replace(/\D/g, '')

/** A stable, made-up hidden number of 15 digits for a phone number. */
export function lidOf(phone: string): string {
	const hash = createHash('sha256').update(digits(phone)).digest()
	return String(100_000_000_000_000n + (hash.readBigUInt64BE(0) % 900_000_000_000_000n))
}

const withDevice = (user: string, device: number) => (device ? `${user}:${device}` : user)
export const phoneJid = (phone: string, device = 0): string => `${withDevice(digits(phone), device)}@s.whatsapp.net`
export const lidJid = (lid: string, device = 0): string => `${withDevice(lid, device)}@lid`
export const groupJid = (group: string): string => `${group.replace(/^group:/, '')}@g.us`
export const groupId = (jid: string): string => `group:${jid.split('@')[0]}`
