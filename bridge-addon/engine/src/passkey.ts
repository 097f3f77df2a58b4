/**
 * The passkey gate. WhatsApp asks some accounts for a passkey while they are linked: the assertion is made on WhatsApp's own page, in the user's browser,
 * and brought here. What the stanzas hold was read from open implementations (whatsmeow's pair-passkey.go, whatsapp-rust's shortcake.rs), which agree.
 */

import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import {
	aesEncryptGCM,
	type AuthenticationCreds,
	type BinaryNode,
	bytesToCrockford,
	Curve,
	getBinaryNodeChild,
	proto,
	type WASocket
} from 'baileys'
import { describe, log } from './log.ts'
import type { PasskeyAssertion } from './parameters.ts'
import { EngineError, type PairingErrorCode } from './protocol.ts'

const SERVERS: readonly unknown[] = ['s.whatsapp.net', '@s.whatsapp.net']
const LONGEST_OPTIONS = 4096
const KEY_LENGTH = 32
const CODE_BYTES = 5
/** The phone takes the proof that this is the browser whose code it scanned for so long. */
const HANDOFF_MS = Number(process.env.ENGINE_HANDOFF_MS ?? 5 * 60_000)
/** How long the user has to bring the assertion, and to compare the codes. */
const USER_MS = Number(process.env.ENGINE_PASSKEY_USER_MS ?? 10 * 60_000)
/** How long WhatsApp and the phone have to go on after each of our steps. */
const ANSWER_MS = Number(process.env.ENGINE_PASSKEY_ANSWER_MS ?? 45_000)
const { DeviceProps } = proto
const DEVICE_TYPE = DeviceProps.PlatformType.CHROME

export type PasskeyOptions = Record<string, unknown>

export interface PasskeyListener {
	/** The browser is to make an assertion for these WebAuthn request options, until then (Unix milliseconds). */
	required(options: PasskeyOptions, until: number): void
	/** The user is to compare this code with the one on the phone. */
	compare(code: string, until: number): void
	failed(errorCode: PairingErrorCode): void
}

interface Ephemeral {
	keys: ReturnType<typeof Curve.generateKeyPair>
	nonce: Buffer
	ref: string
	proven: boolean
}

type Step = 'assertion' | 'answering' | 'continuation' | 'comparing' | 'finishing'

/** One ceremony; all it knows is in memory but the renewed secret, which `pair-success` is checked against. */
export class Passkey {
	private step: Step = 'assertion'
	private readonly handoff: { key: Buffer; until: number } | undefined
	private ephemeral: Ephemeral | undefined
	private primaryKey: Buffer | undefined
	private timer: NodeJS.Timeout | undefined
	private readonly socket: WASocket
	private readonly credentials: AuthenticationCreds
	private readonly listener: PasskeyListener

	/** `scanned`: the phone knows the present secret from a QR code. The secret is renewed, and must be saved after this. */
	constructor(socket: WASocket, credentials: AuthenticationCreds, scanned: boolean, listener: PasskeyListener) {
		this.socket = socket
		this.credentials = credentials
		this.listener = listener
		if (scanned) {
			const secret = Buffer.from(credentials.advSecretKey, 'base64')
			this.handoff = { key: derived(secret, '', 'shortcake-passkey-handoff-v1'), until: Date.now() + HANDOFF_MS }
		}
		credentials.advSecretKey = randomBytes(KEY_LENGTH).toString('base64')
	}

	/** Takes WhatsApp's request: the options are in it, or are asked for. A repeated one brings new options. */
	async requested(stanza: BinaryNode): Promise<void> {
		if (this.step !== 'assertion') return
		const sent = getBinaryNodeChild(stanza, 'passkey_request_options')
		const options = readOptions(sent ?? (await this.question('passkey_request_options')))
		if (!options) {
			this.fail('passkey_request_invalid')
			return
		}
		const until = this.limit(USER_MS, 'passkey_timeout')
		this.listener.required(options, until)
	}

	/** Hands WhatsApp the assertion. Throws `passkey_not_requested`. */
	async answer(assertion: PasskeyAssertion): Promise<void> {
		if (this.step !== 'assertion') throw new EngineError('passkey_not_requested', 'no passkey is asked for now')
		this.step = 'answering'
		try {
			const ref = bytes(await this.question('ref')).toString()
			if (!ref) throw new Error('no ref')
			const ephemeral = { keys: Curve.generateKeyPair(), nonce: randomBytes(KEY_LENGTH), ref, proven: false }
			const payload = prologue(ephemeral)
			const content: BinaryNode[] = [
				{ tag: 'credential_id', attrs: {}, content: Buffer.from(assertion.rawId, 'base64url') },
				{ tag: 'webauthn_assertion', attrs: {}, content: Buffer.from(JSON.stringify(assertion)) },
				{ tag: 'prologue_payload', attrs: {}, content: payload }
			]
			if (this.handoff && Date.now() < this.handoff.until) {
				ephemeral.proven = true
				const proof = createHmac('sha256', this.handoff.key).update(payload).digest()
				content.push({ tag: 'pairing_handoff_proof', attrs: {}, content: proof })
			}
			this.ephemeral = ephemeral
			this.step = 'continuation'
			this.limit(ANSWER_MS, 'passkey_no_continuation')
			await this.order({ tag: 'passkey_prologue', attrs: {}, content })
		} catch (error) {
			this.refused(error)
		}
	}

	/** The phone goes on: it shows its half, we show ours. */
	async continued(stanza: BinaryNode): Promise<void> {
		const { ephemeral } = this
		if (this.step !== 'continuation' || !ephemeral) return
		const identity = readIdentity(getBinaryNodeChild(stanza, 'primary_ephemeral_identity'))
		if (!identity) {
			this.fail('passkey_request_invalid')
			return
		}
		this.primaryKey = identity.publicKey
		this.step = 'comparing'
		try {
			await this.order({ tag: 'companion_nonce', attrs: {}, content: ephemeral.nonce })
			if (ephemeral.proven) {
				await this.finish()
				return
			}
			const mask = createHash('sha256').update(ephemeral.nonce).update(identity.publicKey).digest()
			const mixed = Buffer.from(mask.subarray(0, CODE_BYTES).map((byte, index) => byte ^ (identity.nonce[index] ?? 0)))
			const code = bytesToCrockford(mixed)
			this.listener.compare(`${code.slice(0, 4)}-${code.slice(4)}`, this.limit(USER_MS, 'confirmation_timeout'))
		} catch (error) {
			this.refused(error)
		}
	}

	/** The user has compared the codes. Throws `passkey_not_requested`. */
	async compared(same: boolean): Promise<void> {
		if (this.step !== 'comparing') throw new EngineError('passkey_not_requested', 'there is no code to compare now')
		if (!same) {
			this.fail('pairing_not_confirmed')
			return
		}
		try {
			await this.finish()
		} catch (error) {
			this.refused(error)
		}
	}

	/** Sends our keys and the new secret, readable to the phone alone; `pair-success` follows. */
	private async finish(): Promise<void> {
		const { ephemeral, primaryKey, credentials } = this
		if (!ephemeral || !primaryKey) return
		this.step = 'finishing'
		this.limit(ANSWER_MS, 'passkey_no_continuation')
		const request = proto.PairingRequest.encode({
			companionPublicKey: credentials.noiseKey.public,
			companionIdentityKey: credentials.signedIdentityKey.public,
			advSecret: Buffer.from(credentials.advSecretKey, 'base64')
		}).finish()
		const key = derived(
			Curve.sharedKey(ephemeral.keys.private, primaryKey),
			`Companion Pairing ${DEVICE_TYPE} with ref ${ephemeral.ref}`,
			'Pairing Information Encryption Key'
		)
		const iv = randomBytes(12)
		const sealed = { encryptedPayload: aesEncryptGCM(request, key, iv, Buffer.alloc(0)), iv }
		const content = proto.EncryptedPairingRequest.encode(sealed).finish()
		await this.order({ tag: 'encrypted_pairing_request', attrs: {}, content })
	}

	end(): void {
		clearTimeout(this.timer)
	}

	private limit(milliseconds: number, errorCode: PairingErrorCode): number {
		clearTimeout(this.timer)
		this.timer = setTimeout(() => this.fail(errorCode), milliseconds)
		return Date.now() + milliseconds
	}

	private refused(error: unknown): void {
		log('warning', 'passkey_refused', { error: describe(error) })
		this.fail('passkey_refused')
	}

	private fail(errorCode: PairingErrorCode): void {
		this.end()
		this.listener.failed(errorCode)
	}

	private async question(tag: string): Promise<BinaryNode | undefined> {
		return getBinaryNodeChild(await this.query('get', { tag, attrs: {} }), tag)
	}

	private async order(content: BinaryNode): Promise<void> {
		await this.query('set', content)
	}

	/** Baileys answers with undefined where nobody did. */
	private async query(type: 'get' | 'set', content: BinaryNode): Promise<BinaryNode> {
		const attrs = { to: '@s.whatsapp.net', type, xmlns: 'md' }
		const answer: BinaryNode | undefined = await this.socket.query({ tag: 'iq', attrs, content: [content] })
		if (!answer) throw new Error('no answer')
		return answer
	}
}

/** Whether a notification comes from WhatsApp's server, and not from a person. */
export const fromServer = ({ attrs }: BinaryNode): boolean => SERVERS.includes(attrs.from)

const bytes = (node: BinaryNode | undefined): Buffer =>
	typeof node?.content === 'string' || node?.content instanceof Uint8Array ? Buffer.from(node.content) : Buffer.alloc(0)

const derived = (secret: Uint8Array, salt: string, info: string): Buffer =>
	Buffer.from(hkdfSync('sha256', secret, salt, info, KEY_LENGTH))

function readOptions(node: BinaryNode | undefined): PasskeyOptions | undefined {
	const text = bytes(node)
	if (!text.length || text.length > LONGEST_OPTIONS) return undefined
	try {
		const options: unknown = JSON.parse(text.toString())
		return typeof options === 'object' && options !== null && 'challenge' in options
			? (options as PasskeyOptions)
			: undefined
	} catch {
		return undefined
	}
}

function readIdentity(node: BinaryNode | undefined): { publicKey: Buffer; nonce: Buffer } | undefined {
	try {
		const { publicKey, nonce } = proto.PrimaryEphemeralIdentity.decode(bytes(node))
		if (publicKey?.length !== KEY_LENGTH || nonce?.length !== KEY_LENGTH) return undefined
		return { publicKey: Buffer.from(publicKey), nonce: Buffer.from(nonce) }
	} catch {
		return undefined
	}
}

/** Names our ephemeral key, and binds us to a nonce that is shown only later. */
function prologue({ keys, nonce, ref }: Ephemeral): Uint8Array {
	const identity = proto.CompanionEphemeralIdentity.encode({
		publicKey: keys.public,
		deviceType: DEVICE_TYPE,
		ref
	}).finish()
	const hash = createHash('sha256').update(identity).update(nonce).digest()
	return proto.ProloguePayload.encode({ companionEphemeralIdentity: identity, commitment: { hash } }).finish()
}
