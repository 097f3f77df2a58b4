/** The engine protocol's values and errors: docs/engine-protocol.md. */

import type { Around, Content } from './receiving/contents.ts'

export const PROTOCOL_VERSION = 1

export type AccountStateName =
	| 'starting'
	| 'pairing'
	| 'connecting'
	| 'connected'
	| 'reconnecting'
	| 'logged_out'
	| 'replaced'
	| 'blocked'
	| 'failed'

export type Reason =
	| 'connection_lost'
	| 'connect_timeout'
	| 'server_unavailable'
	| 'stream_error'
	| 'restart_required'
	| 'client_outdated'
	| 'not_paired'
	| 'unlinked'
	| 'multi_device_off'
	| 'replaced'
	| 'temporarily_banned'
	| 'banned'
	| 'client_rejected'
	| 'store_unusable'

export interface AccountState {
	account: string
	state: AccountStateName
	reason: Reason | null
	phone: string | null
	lid: string | null
	name: string | null
	since: string
	retry_at: string | null
}

export type PairingStatus =
	'waiting' | 'passkey_required' | 'confirmation_required' | 'paired' | 'expired' | 'refused' | 'cancelled' | 'failed'
export type PairingMethod = 'qr' | 'code'

/** Why an attempt to be linked has ended; null with `paired` and `cancelled`. */
export type PairingErrorCode =
	| 'pairing_expired'
	| 'pairing_refused'
	| 'pairing_number_refused'
	| 'pairing_rate_limited'
	| 'pairing_other_number'
	| 'pairing_code_outdated'
	| 'pairing_not_confirmed'
	| 'confirmation_timeout'
	| 'passkey_timeout'
	| 'passkey_refused'
	| 'passkey_no_continuation'
	| 'passkey_request_invalid'
	| 'connection_lost'
	| 'connect_timeout'
	| 'server_unavailable'
	| 'client_outdated'
	| 'account_blocked'

export interface PairingUpdate {
	account: string
	method: PairingMethod
	status: PairingStatus
	qr: string | null
	code: string | null
	passkey: Record<string, unknown> | null
	expires_at: string | null
	error_code: PairingErrorCode | null
	/** from when on WhatsApp may give a code again */
	retry_at: string | null
}

export type ChatType = 'person' | 'group' | 'channel' | 'status'

export interface ReceivedMessage extends Around {
	account: string
	delivery: number
	message_id: string
	chat: { id: string; type: ChatType }
	sender: { phone: string | null; lid: string | null; push_name: string | null }
	from_me: boolean
	timestamp: string
	backlog: boolean
	content: Content
}

export type MessageStatusName = 'sent' | 'delivered' | 'read' | 'played' | 'failed'

export interface MessageStatus {
	account: string
	/** undefined for `sent`: a message whose acknowledgement got lost is sent again */
	delivery?: number
	message_id: string
	chat: string
	status: MessageStatusName
	recipient: string
	timestamp: string
	error_code: string | null
	whatsapp_code: number | null
}

export type PresenceName = 'available' | 'unavailable' | 'typing' | 'recording' | 'paused'

export interface PresenceChanged {
	account: string
	chat: string
	/** in a group: who of its members */
	person: string
	presence: PresenceName
	last_seen: string | null
}

export type CallStatus = 'ringing' | 'accepted' | 'rejected' | 'missed' | 'ended'

export interface CallChanged {
	account: string
	delivery: number
	call_id: string
	person: string
	/** the group's in a group call, else the person's */
	chat: string
	video: boolean
	status: CallStatus
	timestamp: string
	backlog: boolean
}

export type GroupChangeName =
	| 'created'
	| 'subject'
	| 'description'
	| 'picture'
	| 'announce'
	| 'locked'
	| 'invite'
	| 'added'
	| 'joined'
	| 'removed'
	| 'left'
	| 'promoted'
	| 'demoted'

export interface GroupChanged {
	account: string
	delivery: number
	chat: string
	message_id: string
	/** who did it; null where WhatsApp does not tell */
	actor: string | null
	change: GroupChangeName
	/** whom it is about */
	members: string[]
	/** the new subject, description or setting */
	value: string | null
	timestamp: string
	backlog: boolean
}

export interface ContactChanged {
	account: string
	delivery: number
	chat: string
	phone: string | null
	lid: string | null
	name: string | null
	push_name: string | null
	picture_changed: boolean
}

export interface Notifications {
	'account.state': AccountState
	'pairing.update': PairingUpdate
	'message.received': ReceivedMessage
	'message.status': MessageStatus
	'presence.changed': PresenceChanged
	'call.changed': CallChanged
	'group.changed': GroupChanged
	'contact.changed': ContactChanged
}

export type Notify = <M extends keyof Notifications>(method: M, params: Notifications[M]) => void

export type ErrorCode =
	| 'unsupported_protocol'
	| 'not_initialized'
	| 'invalid_params'
	| 'account_locked'
	| 'store_unusable'
	| 'account_not_started'
	| 'already_paired'
	| 'passkey_not_requested'
	| 'not_connected'
	| 'recipient_not_on_whatsapp'
	| 'message_rejected'
	| 'acknowledgement_timeout'
	| 'message_not_kept'
	| 'media_unreadable'
	| 'media_upload_failed'
	| 'not_possible_here'
	| 'group_not_found'
	| 'not_a_member'
	| 'picture_not_available'
	| 'call_not_known'
	| 'refused'
	| 'media_not_known'
	| 'media_gone'
	| 'media_too_large'
	| 'media_damaged'
	| 'media_download_failed'
	| 'storage_full'
	| 'internal_error'

/** An error with a stable code, as it crosses the border. Its message holds no personal data. */
export class EngineError extends Error {
	readonly code: ErrorCode
	readonly whatsappCode: number | undefined

	constructor(code: ErrorCode, message: string, whatsappCode?: number) {
		super(message)
		this.code = code
		this.whatsappCode = whatsappCode
	}
}

export const rfc3339 = (milliseconds: number): string => new Date(milliseconds).toISOString()
