/** What a closed connection means and what follows: a table of WhatsApp's codes, and the waiting times. No input, no output. */

import type { AccountStateName, PairingErrorCode, Reason } from './protocol.ts'

const FIRST_DELAY = 500
const LONGEST_DELAY = 20_000
const OUTDATED_DELAY = 15 * 60_000
/** What a timer of Node can wait, nearly 25 days: a longer one would go off at once. */
const LONGEST_TIMER = 2 ** 31 - 1
const JITTER = 0.2

export interface Closed {
	/** WhatsApp's or Baileys' status code */
	code: number
	/** seconds that a temporary ban lasts, where WhatsApp says so */
	banSeconds?: number | undefined
}

export interface Consequence {
	state: AccountStateName
	reason: Reason
	/** milliseconds until the next try; null: not by itself */
	retryAfter: number | null
	/** The link is gone: its credentials are archived, and a new pairing is needed. */
	forget: boolean
}

type Row = readonly [
	state: AccountStateName,
	reason: Reason,
	retry: 'now' | 'backoff' | 'slow' | 'never',
	forget?: boolean
]

/** Our own code: the session store cannot be used. Nothing may be received or sent whose keys are not on the disk. */
export const STORE_FAILED = 1

/** The codes that Baileys gives (DisconnectReason) and those of WhatsApp's `<failure reason>`. */
const TABLE: Readonly<Record<number, Row>> = {
	[STORE_FAILED]: ['failed', 'store_unusable', 'backoff'],
	401: ['logged_out', 'unlinked', 'never', true],
	402: ['blocked', 'temporarily_banned', 'never'],
	403: ['blocked', 'banned', 'never'],
	405: ['reconnecting', 'client_outdated', 'slow'],
	406: ['blocked', 'banned', 'never'],
	408: ['reconnecting', 'connection_lost', 'backoff'],
	409: ['failed', 'client_rejected', 'never'],
	411: ['logged_out', 'multi_device_off', 'never'],
	428: ['reconnecting', 'connection_lost', 'backoff'],
	440: ['replaced', 'replaced', 'never'],
	501: ['reconnecting', 'server_unavailable', 'backoff'],
	503: ['reconnecting', 'server_unavailable', 'backoff'],
	515: ['reconnecting', 'restart_required', 'now']
}
const UNKNOWN: Row = ['reconnecting', 'stream_error', 'backoff']

/** Doubling waits with jitter. `failures` counts the tries since the connection was last open; `random` is in [0, 1). */
export function backoff(failures: number, random: number): number {
	const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(failures, 10))
	return Math.round(delay * (1 - JITTER + 2 * JITTER * random))
}

export function afterClose({ code, banSeconds }: Closed, failures: number, random: number): Consequence {
	const [state, reason, retry, forget = false] = TABLE[code] ?? UNKNOWN
	const waits = { now: 0, backoff: backoff(failures, random), slow: OUTDATED_DELAY, never: null }
	const retryAfter = code === 402 && banSeconds ? Math.min(banSeconds * 1000, LONGEST_TIMER) : waits[retry]
	return { state, reason, retryAfter, forget }
}

const PAIRING_ERRORS: Partial<Record<Reason, PairingErrorCode>> = {
	server_unavailable: 'server_unavailable',
	client_outdated: 'client_outdated',
	client_rejected: 'client_outdated',
	temporarily_banned: 'account_blocked',
	banned: 'account_blocked'
}

/** What it means for an attempt to be linked that its connection was closed for this reason. */
export const pairingErrorOf = (reason: Reason): PairingErrorCode => PAIRING_ERRORS[reason] ?? 'connection_lost'
