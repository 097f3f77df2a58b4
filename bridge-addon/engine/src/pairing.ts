/**
 * One attempt to be linked. The engine owns the codes: it takes the refs that WhatsApp sends, shows each as long as WhatsApp Web does,
 * and builds the QR text itself, since Baileys' own is stale once the secret in it was renewed (companion_reg_refresh).
 */

import { randomBytes } from 'node:crypto'
import {
	type BinaryNode,
	Browsers,
	buildPairingQRData,
	getBinaryNodeChild,
	getBinaryNodeChildren,
	type WASocket
} from 'baileys'
import { phoneOf } from './addresses.ts'
import { describe, log } from './log.ts'
import type { PasskeyAssertion } from './parameters.ts'
import { fromServer, Passkey, type PasskeyOptions } from './passkey.ts'
import {
	EngineError,
	type PairingErrorCode,
	type PairingMethod,
	type PairingStatus,
	type PairingUpdate,
	rfc3339
} from './protocol.ts'
import type { SessionStore } from './session-store.ts'

/** A stock name: WhatsApp refuses others for pairing codes. */
export const BROWSER = Browsers.ubuntu('Chrome')

/** How long a code is shown: the first ref 60 s, each further one 20 s, as WhatsApp Web does. */
const FIRST_REF_MS = Number(process.env.ENGINE_FIRST_QR_MS ?? 60_000)
const NEXT_REF_MS = Number(process.env.ENGINE_NEXT_QR_MS ?? 20_000)
const CODE_ANSWER_MS = Number(process.env.ENGINE_CODE_ANSWER_MS ?? 10_000)
/** WhatsApp seldom says how long it gives no more codes; it is hours, and asking sooner makes it longer. */
const RATE_LIMIT_MS = 3_600_000
/** What the server answers for a number that has no WhatsApp, or is not written as one. */
const NO_SUCH_NUMBER = [400, 404, 406]

/** How an attempt can end. */
export type PairingEnd = 'paired' | 'expired' | 'refused' | 'cancelled' | 'failed'

export interface PairingOrder {
	method: PairingMethod
	/** digits, for a code */
	phone: string | null
	/** the one number that may be linked; null: any */
	expectedPhone: string | null
}

/** Hears that the attempt cannot go on. `retryAt` is in Unix milliseconds. */
export type PairingListener = (status: PairingEnd, errorCode: PairingErrorCode, retryAt?: number) => void

export class Pairing {
	readonly order: PairingOrder
	/** Set once the phone has accepted: what closes then is not a failure. */
	accepted = false
	/** Set when a phone's answer has come: what closes then did not take it. */
	phoneAnswered = false
	private ended = false
	private refs: string[] = []
	private ref: string | undefined
	private expires = 0
	private timer: NodeJS.Timeout | undefined
	private socket: WASocket | undefined
	private passkey: Passkey | undefined
	private over: PairingListener = () => undefined
	private readonly store: SessionStore
	private readonly tell: (update: Omit<PairingUpdate, 'account'>) => void

	constructor(order: PairingOrder, store: SessionStore, tell: (update: Omit<PairingUpdate, 'account'>) => void) {
		this.order = order
		this.store = store
		this.tell = tell
		this.report('waiting')
	}

	/** Listens on a new socket for all that belongs to pairing. */
	attach(socket: WASocket, over: PairingListener): void {
		this.socket = socket
		this.over = over
		this.passkey?.end()
		this.passkey = undefined
		socket.ws.on('CB:iq,type:set,pair-device', (stanza: BinaryNode) => {
			const refs = getBinaryNodeChildren(getBinaryNodeChild(stanza, 'pair-device'), 'ref')
			this.refs = refs.map(({ content }) => Buffer.from(content as Uint8Array).toString())
			if (this.order.method === 'code') void this.requestCode()
			else this.showNext(FIRST_REF_MS)
		})
		// before Baileys' own: it would sign
		socket.ws.prependListener('CB:iq,,pair-success', (stanza: BinaryNode) => this.checkNumber(stanza))
		socket.ws.on('CB:notification,type:companion_reg_refresh', (stanza: BinaryNode) => this.renewSecret(stanza))
		socket.ws.on('CB:notification,type:passkey_prologue_request', (stanza: BinaryNode) => this.askForPasskey(stanza))
		socket.ws.on('CB:notification,type:crsc_continuation', (stanza: BinaryNode) => {
			if (!fromServer(stanza)) return
			this.acknowledge(stanza)
			void this.passkey?.continued(stanza)
		})
	}

	private showNext(lifetime: number): void {
		this.ref = this.refs.shift()
		if (!this.ref) {
			this.over('expired', 'pairing_expired')
			return
		}
		this.expires = Date.now() + lifetime
		this.showCurrent()
		this.timer = setTimeout(() => this.showNext(NEXT_REF_MS), lifetime)
	}

	private showCurrent(): void {
		if (!this.ref || this.accepted || this.ended) return
		const { noiseKey, signedIdentityKey, advSecretKey } = this.store.credentials
		const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64')
		this.report('waiting', {
			qr: buildPairingQRData(this.ref, base64(noiseKey.public), base64(signedIdentityKey.public), advSecretKey, BROWSER)
		})
	}

	/** WhatsApp retires the secret in the code that is shown: a new one at once, with the same ref. Later ones are in use already. */
	private renewSecret(stanza: BinaryNode): void {
		if (!fromServer(stanza)) return
		this.acknowledge(stanza)
		const { credentials } = this.store
		if (credentials.account || credentials.registered || this.accepted || this.passkey) return
		credentials.advSecretKey = randomBytes(32).toString('base64')
		this.store.saveCredentials()
		this.showCurrent()
	}

	/** Turns another phone than the account's away before it is linked, as whatsmeow does (sendPairError): nothing is left on it. */
	private checkNumber(stanza: BinaryNode): void {
		const { expectedPhone } = this.order
		this.phoneAnswered = true
		const device = getBinaryNodeChild(getBinaryNodeChild(stanza, 'pair-success'), 'device')
		if (!expectedPhone || phoneOf(device?.attrs.jid) === expectedPhone) return
		const error = { tag: 'error', attrs: { code: '500', text: 'internal-error' } }
		const refusal = { to: '@s.whatsapp.net', type: 'error', id: stanza.attrs.id ?? '' }
		this.send({ tag: 'iq', attrs: refusal, content: [error] })
		this.over('refused', 'pairing_other_number')
	}

	private send(stanza: BinaryNode): void {
		this.socket?.sendNode(stanza).catch((error: unknown) => log('warning', 'not_sent', { error: describe(error) }))
	}

	/** Baileys can't acknowledge a notification before it knows who we are: then we do. */
	private acknowledge({ attrs: { id = '', from = '', type = '' } }: BinaryNode): void {
		if (this.store.credentials.me) return
		this.send({ tag: 'ack', attrs: { id, to: from, class: 'notification', type } })
	}

	// passkey

	/** The codes are over: this link goes on with a passkey, or not at all. */
	private askForPasskey(stanza: BinaryNode): void {
		const { socket, store } = this
		if (!socket || this.ended || !fromServer(stanza)) return
		this.acknowledge(stanza)
		clearTimeout(this.timer)
		if (!this.passkey) {
			this.passkey = new Passkey(socket, store.credentials, this.ref !== undefined, {
				required: (passkey, until) => this.showPasskey('passkey_required', until, { passkey }),
				compare: (code, until) => this.showPasskey('confirmation_required', until, { code }),
				failed: errorCode => this.over('refused', errorCode)
			})
			store.saveCredentials()
		}
		this.passkey.requested(stanza).catch((error: unknown) => {
			log('warning', 'passkey_request_failed', { error: describe(error) })
			this.over('refused', 'passkey_request_invalid')
		})
	}

	private showPasskey(status: PairingStatus, until: number, shown: { passkey?: PasskeyOptions; code?: string }): void {
		this.expires = until
		this.report(status, shown)
	}

	/** Takes the assertion that the user's browser has made. Throws `passkey_not_requested`. */
	async answerPasskey(assertion: PasskeyAssertion): Promise<void> {
		await this.ceremony().answer(assertion)
	}

	/** Takes whether the codes were the same. Throws `passkey_not_requested`. */
	async confirmPasskey(same: boolean): Promise<void> {
		await this.ceremony().compared(same)
	}

	private ceremony(): Passkey {
		if (!this.passkey) throw new EngineError('passkey_not_requested', 'no passkey is asked for now')
		return this.passkey
	}

	/** Asks for a code. Baileys does not look at the server's answer: we do. */
	private async requestCode(): Promise<void> {
		const { socket } = this
		if (!socket || !this.order.phone) return
		const until = Date.now() + FIRST_REF_MS + (this.refs.length - 1) * NEXT_REF_MS
		const answer = answerToCode(socket)
		try {
			const code = await socket.requestPairingCode(this.order.phone)
			const { attrs, content } = (await answer) ?? {}
			if (this.ended) return
			if (attrs?.type === 'result') {
				this.expires = until
				this.timer = setTimeout(() => this.over('expired', 'pairing_expired'), until - Date.now())
				this.report('waiting', { code })
			} else this.codeRefused(content)
		} catch (error) {
			log('warning', 'pairing_code_failed', { error: describe(error) })
			if (!this.ended) this.over('failed', 'connection_lost')
		}
	}

	private codeRefused(content: BinaryNode['content']): void {
		const [error] = Array.isArray(content) ? content : []
		const code = Number(error?.attrs.code)
		log('warning', 'pairing_code_refused', { code: code || null })
		if (!error) this.over('failed', 'connect_timeout')
		else if (code === 429) {
			const seconds = Number(error.attrs.backoff)
			this.over('refused', 'pairing_rate_limited', Date.now() + (seconds > 0 ? seconds * 1000 : RATE_LIMIT_MS))
		} else this.over('refused', NO_SUCH_NUMBER.includes(code) ? 'pairing_number_refused' : 'pairing_refused')
	}

	/** The phone has linked us. */
	succeed(): void {
		this.accepted = true
		this.end('paired')
	}

	end(status: PairingEnd, errorCode: PairingErrorCode | null = null, retryAt?: number): void {
		clearTimeout(this.timer)
		this.passkey?.end()
		if (this.ended) return
		this.ended = true
		this.report(status, { errorCode, retryAt })
	}

	private report(
		status: PairingStatus,
		shown: {
			qr?: string
			code?: string
			passkey?: PasskeyOptions
			errorCode?: PairingErrorCode | null
			retryAt?: number | undefined
		} = {}
	): void {
		const { qr = null, code = null, passkey = null, errorCode = null, retryAt } = shown
		const expires_at = qr || code || passkey ? rfc3339(this.expires) : null
		const retry_at = retryAt ? rfc3339(retryAt) : null
		this.tell({ method: this.order.method, status, qr, code, passkey, expires_at, error_code: errorCode, retry_at })
	}
}

/** The server's answer to the request that comes next; undefined where there is none. */
async function answerToCode({ ws }: WASocket): Promise<BinaryNode | undefined> {
	const events = ['CB:iq,type:result,link_code_companion_reg', 'CB:iq,type:error']
	const { promise, resolve } = Promise.withResolvers<BinaryNode | undefined>()
	const timer = setTimeout(() => resolve(undefined), CODE_ANSWER_MS)
	for (const event of events) ws.once(event, resolve)
	const answer = await promise
	clearTimeout(timer)
	for (const event of events) ws.off(event, resolve)
	return answer
}
