/** Checks what the gateway asks for, once, at the border. */

import { isAbsolute } from 'node:path'
import type { LogLevel } from './log.ts'
import { EngineError, type PairingMethod, PROTOCOL_VERSION } from './protocol.ts'

type Raw = Record<string, unknown>

export const ACCOUNT = /^[a-z0-9][a-z0-9_-]{0,31}$/
export const MESSAGE_ID = /^[0-9A-Za-z-]{1,64}$/
export const CHAT_ID = /^(\+\d{5,15}|lid:\d+|group:[\d-]+|channel:\d+|status)$/
export const PHONE = /^\+[1-9]\d{4,14}$/
const BASE64URL = /^[A-Za-z0-9_-]{1,8192}$/
const LOG_LEVELS: readonly unknown[] = ['debug', 'info', 'warning', 'error']

export function invalid(what: string): never {
	throw new EngineError('invalid_params', what)
}

function fields(params: unknown): Raw {
	if (typeof params !== 'object' || params === null || Array.isArray(params)) invalid('params is an object')
	return params as Raw
}

function matching(raw: Raw, name: string, pattern: RegExp): string {
	const value = raw[name]
	if (typeof value !== 'string' || !pattern.test(value)) invalid(`${name} has the wrong form`)
	return value
}

export interface Initialize {
	dataDir: string
	whatsappUrl: string | null
	logLevel: LogLevel
}

export function initializeParams(params: unknown): Initialize {
	const raw = fields(params)
	if (raw.protocol_version !== PROTOCOL_VERSION) {
		throw new EngineError('unsupported_protocol', `this engine speaks protocol version ${PROTOCOL_VERSION}`)
	}
	const { data_dir: dataDir, whatsapp_url: whatsappUrl = null, log_level: logLevel } = raw
	if (typeof dataDir !== 'string' || !dataDir) invalid('data_dir is a path')
	if (whatsappUrl !== null && typeof whatsappUrl !== 'string') invalid('whatsapp_url is an address or null')
	if (!LOG_LEVELS.includes(logLevel)) invalid('log_level is debug, info, warning or error')
	return { dataDir, whatsappUrl, logLevel: logLevel as LogLevel }
}

export const accountParam = (params: unknown): string => matching(fields(params), 'account', ACCOUNT)

export function backupParams(params: unknown): { account: string; path: string } {
	const raw = fields(params)
	if (typeof raw.path !== 'string' || !isAbsolute(raw.path)) invalid('path is an absolute path')
	return { account: matching(raw, 'account', ACCOUNT), path: raw.path }
}

/** `delivery` is 0 where the gateway has none. */
export function deliveryParams(params: unknown): { account: string; delivery: number } {
	const raw = fields(params)
	const { delivery = 0 } = raw
	if (typeof delivery !== 'number' || !Number.isSafeInteger(delivery) || delivery < 0) invalid('delivery is a number')
	return { account: matching(raw, 'account', ACCOUNT), delivery }
}

export interface StartPairing {
	account: string
	method: PairingMethod
	/** digits alone; with a code only */
	phone: string | null
	/** the one number that may be linked, where the account was linked before */
	expectedPhone: string | null
}

export function pairingParams(params: unknown): StartPairing {
	const raw = fields(params)
	const account = matching(raw, 'account', ACCOUNT)
	const expectedPhone = raw.expected_phone == null ? null : matching(raw, 'expected_phone', PHONE)
	if (raw.method === 'qr') return { account, method: 'qr', phone: null, expectedPhone }
	if (raw.method !== 'code') return invalid('method is qr or code')
	const phone = matching(raw, 'phone', PHONE)
	if (expectedPhone && phone !== expectedPhone) return invalid('phone is not the expected one')
	return { account, method: 'code', phone: phone.slice(1), expectedPhone }
}

/** A WebAuthn assertion as a browser's `PublicKeyCredential.toJSON()` gives it, and no more; binary values are base64url. */
export interface PasskeyAssertion {
	id: string
	rawId: string
	type: 'public-key'
	response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle: string | null }
}

export function passkeyParams(params: unknown): { account: string; assertion: PasskeyAssertion } {
	const raw = fields(params)
	const assertion = fields(raw.assertion)
	const response = fields(assertion.response)
	if (assertion.type !== 'public-key') invalid('assertion.type is public-key')
	return {
		account: matching(raw, 'account', ACCOUNT),
		assertion: {
			id: matching(assertion, 'id', BASE64URL),
			rawId: matching(assertion, 'rawId', BASE64URL),
			type: 'public-key',
			response: {
				clientDataJSON: matching(response, 'clientDataJSON', BASE64URL),
				authenticatorData: matching(response, 'authenticatorData', BASE64URL),
				signature: matching(response, 'signature', BASE64URL),
				userHandle: response.userHandle == null ? null : matching(response, 'userHandle', BASE64URL)
			}
		}
	}
}

export function confirmParams(params: unknown): { account: string; same: boolean } {
	const raw = fields(params)
	if (typeof raw.same !== 'boolean') invalid('same is true or false')
	return { account: matching(raw, 'account', ACCOUNT), same: raw.same }
}
