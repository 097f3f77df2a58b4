/**
 * The passkey gate, as the server and the owner's phone play it: request, prologue, continuation, nonce, encrypted pairing request. All is checked:
 * the assertion, the commitment, the proof that this is the browser whose code was scanned, and the keys in the request.
 */

import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { bytesToCrockford, proto } from 'baileys'
import { type Assertion, Authenticator, type Credential } from './authenticator.ts'
import type { Link } from './link.ts'
import { type BinaryNode, childBytes, node, SERVER, seconds } from './nodes.ts'
import { newKeyPair, openGcm, sharedSecret } from './noise.ts'
import type { World } from './world.ts'

const KEY_LENGTH = 32

/**
 * What the gate does: `options-on-request` sends the request without its options, `no-continuation` is a phone that never goes on, `no-end` one that
 * takes our keys and then does not link; the unreadable ones send what is no JSON and no protobuf.
 */
export const PASSKEY_FAULTS = [
	'required',
	'options-on-request',
	'options-unreadable',
	'refused',
	'no-continuation',
	'continuation-unreadable',
	'no-end'
] as const
export type PasskeyFault = (typeof PASSKEY_FAULTS)[number]

/** The stanzas that belong here, by the tag of what is asked or set. */
export const PASSKEY_TAGS: ReadonlySet<string> = new Set([
	'passkey_request_options',
	'ref',
	'passkey_prologue',
	'companion_nonce',
	'encrypted_pairing_request'
])

interface Companion {
	identity: Buffer
	publicKey: Buffer
	deviceType: number
	ref: string
	commitment: Buffer
	proven: boolean
}

export interface GateKeys {
	/** the secret in the QR code that the phone has scanned; undefined with a pairing code */
	secret: Buffer | undefined
	noiseKey: Buffer
	identityKey: Buffer
}

export class PasskeyGate {
	private readonly authenticator = new Authenticator()
	private readonly challenge = randomBytes(KEY_LENGTH).toString('base64url')
	private readonly ephemeral = newKeyPair()
	private readonly nonce = randomBytes(KEY_LENGTH)
	private ref = ''
	private companion: Companion | undefined
	private companionNonce: Buffer | undefined
	private readonly link: Link
	private readonly world: World
	private readonly keys: GateKeys
	private readonly paired: (secret: Buffer) => void

	constructor(link: Link, world: World, keys: GateKeys, paired: (secret: Buffer) => void) {
		this.link = link
		this.world = world
		this.keys = keys
		this.paired = paired
	}

	private get fault(): PasskeyFault {
		return this.world.faults.passkey ?? 'required'
	}

	/** The phone shows "Continue on WhatsApp Web". */
	ask(): void {
		const options = this.fault === 'options-on-request' ? [] : [this.options()]
		this.notify('passkey_prologue_request', options)
	}

	/** The user agrees in the browser. */
	assertion(): Assertion {
		return this.authenticator.assert(this.challenge)
	}

	/** The passkey itself, for a real browser's virtual authenticator. */
	credential(): Credential {
		return this.authenticator.credential()
	}

	/** The code that the phone shows, for the user to compare; undefined as long as there is none, or where the proof made it needless. */
	get code(): string | undefined {
		if (!this.companionNonce || this.companion?.proven) return undefined
		const mask = createHash('sha256').update(this.companionNonce).update(this.ephemeral.publicKey).digest()
		const code = bytesToCrockford(
			Buffer.from(this.nonce.subarray(0, 5).map((byte, index) => byte ^ (mask[index] ?? 0)))
		)
		return `${code.slice(0, 4)}-${code.slice(4)}`
	}

	/** Answers an iq; returns the children of the result, or an error code. */
	take(asked: BinaryNode): BinaryNode[] | number {
		switch (asked.tag) {
			case 'passkey_request_options':
				return [this.options()]
			case 'ref':
				this.ref = randomBytes(16).toString('base64')
				return [node('ref', {}, Buffer.from(this.ref))]
			case 'passkey_prologue':
				return this.takePrologue(asked)
			case 'companion_nonce':
				return this.takeNonce(Buffer.from(asked.content as Uint8Array))
			default:
				return this.takeRequest(Buffer.from(asked.content as Uint8Array))
		}
	}

	private takePrologue(asked: BinaryNode): BinaryNode[] | number {
		if (this.fault === 'refused') return 403
		const assertion: Assertion = JSON.parse(childBytes(asked, 'webauthn_assertion').toString())
		const fault = this.authenticator.fault(assertion, this.challenge)
		if (fault) return this.violated(fault)
		if (!childBytes(asked, 'credential_id').equals(this.authenticator.credentialId))
			return this.violated('another credential')
		const payload = childBytes(asked, 'prologue_payload')
		const { companionEphemeralIdentity, commitment } = proto.ProloguePayload.decode(payload)
		const identity = Buffer.from(companionEphemeralIdentity ?? [])
		const { publicKey, deviceType, ref } = proto.CompanionEphemeralIdentity.decode(identity)
		if (publicKey?.length !== KEY_LENGTH || commitment?.hash?.length !== KEY_LENGTH)
			return this.violated('keys of a wrong length')
		if (!this.ref || ref !== this.ref) return this.violated('a ref that was not handed out')
		const proof = childBytes(asked, 'pairing_handoff_proof')
		if (proof.length && !this.proves(proof, payload)) return this.violated('a handoff proof of another secret')
		this.companion = {
			identity,
			publicKey: Buffer.from(publicKey),
			deviceType: Number(deviceType ?? 0),
			ref,
			commitment: Buffer.from(commitment.hash),
			proven: proof.length > 0
		}
		if (this.fault !== 'no-continuation') setImmediate(() => this.continue())
		return []
	}

	private proves(proof: Buffer, payload: Buffer): boolean {
		if (!this.keys.secret) return false
		const key = Buffer.from(hkdfSync('sha256', this.keys.secret, '', 'shortcake-passkey-handoff-v1', KEY_LENGTH))
		return createHmac('sha256', key).update(payload).digest().equals(proof)
	}

	private continue(): void {
		const identity =
			this.fault === 'continuation-unreadable'
				? Buffer.from('ffff', 'hex')
				: proto.PrimaryEphemeralIdentity.encode({ publicKey: this.ephemeral.publicKey, nonce: this.nonce }).finish()
		this.notify('crsc_continuation', [node('primary_ephemeral_identity', {}, Buffer.from(identity))])
	}

	private takeNonce(nonce: Buffer): BinaryNode[] | number {
		const { companion } = this
		if (!companion) return this.violated('a nonce before the prologue')
		const hash = createHash('sha256').update(companion.identity).update(nonce).digest()
		if (!hash.equals(companion.commitment)) return this.violated('another nonce than was committed to')
		this.companionNonce = nonce
		return []
	}

	private takeRequest(content: Buffer): BinaryNode[] | number {
		const { companion, keys } = this
		if (!companion || !this.companionNonce) return this.violated('a pairing request before the nonce')
		const salt = `Companion Pairing ${companion.deviceType} with ref ${companion.ref}`
		const shared = sharedSecret(companion.publicKey, this.ephemeral.privateKey)
		const key = Buffer.from(hkdfSync('sha256', shared, salt, 'Pairing Information Encryption Key', KEY_LENGTH))
		const { encryptedPayload, iv } = proto.EncryptedPairingRequest.decode(content)
		let opened: Buffer
		try {
			opened = openGcm(key, Buffer.from(iv ?? []), encryptedPayload ?? Buffer.alloc(0), Buffer.alloc(0))
		} catch {
			return this.violated('a pairing request that cannot be decrypted')
		}
		const request = proto.PairingRequest.decode(opened)
		const secret = Buffer.from(request.advSecret ?? [])
		if (!keys.noiseKey.equals(Buffer.from(request.companionPublicKey ?? []))) return this.violated('another Noise key')
		if (!keys.identityKey.equals(Buffer.from(request.companionIdentityKey ?? [])))
			return this.violated('another identity')
		if (secret.length !== KEY_LENGTH || keys.secret?.equals(secret)) return this.violated('the secret was not renewed')
		if (this.fault !== 'no-end') setImmediate(() => this.paired(secret))
		return []
	}

	private options(): BinaryNode {
		const options = JSON.stringify(this.authenticator.options(this.challenge))
		const text = this.fault === 'options-unreadable' ? options.slice(1) : options
		return node('passkey_request_options', {}, Buffer.from(text))
	}

	private notify(type: string, content: BinaryNode[]): void {
		this.link.send(node('notification', { from: SERVER, type, id: this.link.id(), t: seconds() }, content))
	}

	private violated(why: string): number {
		this.world.violate('passkey', why)
		return 400
	}
}
