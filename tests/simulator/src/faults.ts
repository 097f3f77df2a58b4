/** What goes wrong on purpose: the lasting faults, those that happen at once, and how the control API names them. */

import {
	ControlError,
	type Fields,
	optionalChoice,
	optionalFields,
	optionalFlag,
	optionalInteger,
	refuseUnknown
} from './control-fields.ts'
import { PASSKEY_FAULTS, type PasskeyFault } from './passkey.ts'

/** Faults that last until they are cleared. The names are those of the control API. */
export interface Faults {
	upgrade_status?: number
	silent?: boolean
	acks?: 'none' | { delay_ms: number } | { error: number }
	qr_refs?: number
	refuse_connections?: boolean
	login_failure?: number
	login_failure_expire?: number
	drop_after_message?: boolean
	passkey?: PasskeyFault
	device_limit?: boolean
	refresh_after_scan?: boolean
	retired_secret?: boolean
	pairing_code_error?: number
	pairing_code_backoff?: number
	upload_failures?: number
	upload_delay_ms?: number
}

export interface FaultOrder {
	drop: boolean
	refreshSecret: boolean
	streamError: number | undefined
	lasting: Faults
}

const STREAM_ERRORS = [515, 503, 401, 440, 500]

export function faultOrder(fields: Fields): FaultOrder {
	refuseUnknown(fields, [
		'drop',
		'stream_error',
		'upgrade_status',
		'silent',
		'acks',
		'qr_refs',
		'refuse_connections',
		'login_failure',
		'login_failure_expire',
		'drop_after_message',
		'passkey',
		'device_limit',
		'refresh_secret',
		'refresh_after_scan',
		'retired_secret',
		'pairing_code_error',
		'pairing_code_backoff',
		'upload_failures',
		'upload_delay_ms'
	])
	const lasting = {
		upgrade_status: optionalInteger(fields, 'upgrade_status', 200, 599),
		silent: optionalFlag(fields, 'silent'),
		acks: acks(fields),
		qr_refs: optionalInteger(fields, 'qr_refs', 1, 20),
		refuse_connections: optionalFlag(fields, 'refuse_connections'),
		login_failure: optionalInteger(fields, 'login_failure', 400, 599),
		login_failure_expire: optionalInteger(fields, 'login_failure_expire', 1, 864_000),
		drop_after_message: optionalFlag(fields, 'drop_after_message'),
		passkey: optionalChoice(fields, 'passkey', PASSKEY_FAULTS),
		device_limit: optionalFlag(fields, 'device_limit'),
		refresh_after_scan: optionalFlag(fields, 'refresh_after_scan'),
		retired_secret: optionalFlag(fields, 'retired_secret'),
		pairing_code_error: optionalInteger(fields, 'pairing_code_error', 400, 599),
		pairing_code_backoff: optionalInteger(fields, 'pairing_code_backoff', 1, 86_400),
		upload_failures: optionalInteger(fields, 'upload_failures', 1, 100),
		upload_delay_ms: optionalInteger(fields, 'upload_delay_ms', 0, 60_000)
	}
	const given = Object.entries(lasting).filter(([, value]) => value !== undefined)
	return {
		drop: optionalFlag(fields, 'drop') ?? false,
		refreshSecret: optionalFlag(fields, 'refresh_secret') ?? false,
		streamError: optionalChoice(fields, 'stream_error', STREAM_ERRORS),
		lasting: Object.fromEntries(given) as Faults
	}
}

function acks(fields: Fields): Faults['acks'] | undefined {
	if (typeof fields.acks === 'string') return optionalChoice<'none'>(fields, 'acks', ['none'])
	const order = optionalFields(fields, 'acks', ['delay_ms', 'error'])
	if (!order) return undefined
	const delay = optionalInteger(order, 'delay_ms', 0, 60_000)
	if (delay !== undefined) return { delay_ms: delay }
	const error = optionalInteger(order, 'error', 400, 599)
	if (error === undefined) throw new ControlError(400, 'bad_request', 'acks is none, or has delay_ms or error')
	return { error }
}
