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
import { describe, log } from './log.ts'
import type { PasskeyAssertion } from './parameters.ts'
import { fromServer, Passkey, type PasskeyOptions } from './passkey.ts'
import { EngineError, type PairingMethod, type PairingStatus, type PairingUpdate, rfc3339 } from './protocol.ts'
import type { SessionStore } from './session-store.ts'

/** A stock name: WhatsApp refuses others for pairing codes. */
export const BROWSER = Browsers.ubuntu('Chrome')

/** How long a code is shown: the first ref 60 s, each further one 20 s, as WhatsApp Web does. */
const FIRST_REF_MS = Number(process.env.ENGINE_FIRST_QR_MS ?? 60_000)
const NEXT_REF_MS = Number(process.env.ENGINE_NEXT_QR_MS ?? 20_000)
const CODE_ANSWER_MS = 10_000

/** How an attempt can end. */
export type PairingEnd = 'paired' | 'expired' | 'refused' | 'cancelled' | 'failed'

export interface PairingOrder {
	method: PairingMethod
	/** digits, for a code */
	phone: string | null
}

export class Pairing {
	readonly order: PairingOrder
	/** Set once the phone has accepted: what closes then is not a failure. */
	accepted = false
	private ended = false
	private refs: string[] = []
	private ref: string | undefined
	private expires = 0
	private timer: NodeJS.Timeout | undefined
	private socket: WASocket | undefined
	private passkey: Passkey | undefined
	private readonly store: SessionStore
	private readonly tell: (update: Omit<PairingUpdate, 'account'>) => void

	constructor(order: PairingOrder, store: SessionStore, tell: (update: Omit<PairingUpdate, 'account'>) => void) {
		this.order = order
		this.store = store
		this.tell = tell
		this.report('waiting')
	}

	/** Listens on a new socket for all that belongs to pairing. `expired` is called when WhatsApp's refs have run out. */
	attach(socket: WASocket, expired: () => void, refused: (errorCode: string) => void): void {
		this.socket = socket
		this.passkey?.end()
		this.passkey = undefined
		socket.ws.on('CB:iq,type:set,pair-device', (stanza: BinaryNode) => {
			const refs = getBinaryNodeChildren(getBinaryNodeChild(stanza, 'pair-device'), 'ref')
			this.refs = refs.map(({ content }) => Buffer.from(content as Uint8Array).toString())
			if (this.order.method === 'code') {
				void this.requestCode(refused)
				this.timer = setTimeout(expired, FIRST_REF_MS + (this.refs.length - 1) * NEXT_REF_MS)
			} else {
				this.showNext(FIRST_REF_MS, expired)
			}
		})
		socket.ws.on('CB:notification,type:companion_reg_refresh', (stanza: BinaryNode) => this.renewSecret(stanza))
		socket.ws.on('CB:notification,type:passkey_prologue_request', (stanza: BinaryNode) =>
			this.askForPasskey(stanza, refused)
		)
		socket.ws.on('CB:notification,type:crsc_continuation', (stanza: BinaryNode) => {
			if (!fromServer(stanza)) return
			this.acknowledge(stanza)
			void this.passkey?.continued(stanza)
		})
	}

	private showNext(lifetime: number, expired: () => void): void {
		this.ref = this.refs.shift()
		if (!this.ref) {
			expired()
			return
		}
		this.expires = Date.now() + lifetime
		this.showCurrent()
		this.timer = setTimeout(() => this.showNext(NEXT_REF_MS, expired), lifetime)
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

	/** Baileys can't acknowledge a notification before it knows who we are: then we do. */
	private acknowledge({ attrs: { id = '', from = '', type = '' } }: BinaryNode): void {
		if (this.store.credentials.me) return
		const ack = { tag: 'ack', attrs: { id, to: from, class: 'notification', type } }
		this.socket?.sendNode(ack).catch((error: unknown) => log('warning', 'ack_failed', { error: describe(error) }))
	}

	// passkey

	/** The codes are over: this link goes on with a passkey, or not at all. */
	private askForPasskey(stanza: BinaryNode, refused: (errorCode: string) => void): void {
		const { socket, store } = this
		if (!socket || this.ended || !fromServer(stanza)) return
		this.acknowledge(stanza)
		clearTimeout(this.timer)
		if (!this.passkey) {
			this.passkey = new Passkey(socket, store.credentials, this.ref !== undefined, {
				required: (passkey, until) => this.showPasskey('passkey_required', until, { passkey }),
				compare: (code, until) => this.showPasskey('confirmation_required', until, { code }),
				failed: refused
			})
			store.saveCredentials()
		}
		this.passkey.requested(stanza).catch((error: unknown) => {
			log('warning', 'passkey_request_failed', { error: describe(error) })
			refused('passkey_request_invalid')
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
	private async requestCode(refused: (errorCode: string) => void): Promise<void> {
		const { socket } = this
		if (!socket || !this.order.phone) return
		const onError = (stanza: BinaryNode) => {
			const code = getBinaryNodeChild(stanza, 'error')?.attrs.code
			refused(code === '429' ? 'pairing_rate_limited' : 'pairing_refused')
		}
		socket.ws.once('CB:iq,type:error', onError)
		setTimeout(() => socket.ws.off('CB:iq,type:error', onError), CODE_ANSWER_MS).unref()
		try {
			const answered = new Promise<void>(resolve => {
				socket.ws.once('CB:iq,type:result,link_code_companion_reg', () => resolve())
			})
			const code = await socket.requestPairingCode(this.order.phone)
			await answered
			this.expires = Date.now() + FIRST_REF_MS + (this.refs.length - 1) * NEXT_REF_MS
			this.report('waiting', { code })
		} catch (error) {
			log('warning', 'pairing_code_failed', { error: describe(error) })
			refused('pairing_refused')
		}
	}

	/** The phone has linked us. */
	succeed(): void {
		this.accepted = true
		this.end('paired')
	}

	end(status: PairingEnd, errorCode: string | null = null): void {
		clearTimeout(this.timer)
		this.passkey?.end()
		if (this.ended) return
		this.ended = true
		this.report(status, { errorCode })
	}

	private report(
		status: PairingStatus,
		shown: { qr?: string; code?: string; passkey?: PasskeyOptions; errorCode?: string | null } = {}
	): void {
		const { qr = null, code = null, passkey = null, errorCode = null } = shown
		const expires = qr || code || passkey ? rfc3339(this.expires) : null
		this.tell({ method: this.order.method, status, qr, code, passkey, expires_at: expires, error_code: errorCode })
	}
}
