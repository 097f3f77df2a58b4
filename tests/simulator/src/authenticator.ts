/** The owner's passkey in a browser on WhatsApp's own page: a software authenticator, and the server's check of what it signs (WebAuthn Level 3). */

import {
	createHash,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
	sign,
	verify
} from 'node:crypto'

export const RELYING_PARTY = 'whatsapp.com'
const ORIGIN = 'https://web.whatsapp.com'
/** user present and user verified */
const FLAGS = 0x05

export interface Assertion {
	id: string
	rawId: string
	type: string
	response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle: string | null }
}

/** A passkey as Chrome's DevTools protocol takes it (WebAuthn.addCredential); `private_key` is PKCS #8. Both in base64. */
export interface Credential {
	credential_id: string
	private_key: string
	relying_party: string
	sign_count: number
}

const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest()
const encoded = (data: Uint8Array | string): string => Buffer.from(data).toString('base64url')
const decoded = (text: string): Buffer => Buffer.from(text, 'base64url')

export class Authenticator {
	readonly credentialId = randomBytes(16)
	private readonly privateKey: KeyObject
	private signatures = 0

	constructor() {
		this.privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
	}

	/** What WhatsApp asks for: PublicKeyCredentialRequestOptions in JSON. */
	options(challenge: string): Record<string, unknown> {
		return {
			challenge,
			rpId: RELYING_PARTY,
			allowCredentials: [{ id: encoded(this.credentialId), type: 'public-key', transports: ['hybrid', 'internal'] }],
			userVerification: 'required',
			timeout: 600_000
		}
	}

	/** What `navigator.credentials.get` gives on WhatsApp's page, after the user has agreed. */
	assert(challenge: string): Assertion {
		const clientData = Buffer.from(
			JSON.stringify({ type: 'webauthn.get', challenge, origin: ORIGIN, crossOrigin: false })
		)
		const counter = Buffer.alloc(4)
		counter.writeUInt32BE(++this.signatures)
		const data = Buffer.concat([sha256(RELYING_PARTY), Buffer.from([FLAGS]), counter])
		const signature = sign('sha256', Buffer.concat([data, sha256(clientData)]), this.privateKey)
		return {
			id: encoded(this.credentialId),
			rawId: encoded(this.credentialId),
			type: 'public-key',
			response: {
				clientDataJSON: encoded(clientData),
				authenticatorData: encoded(data),
				signature: encoded(signature),
				userHandle: null
			}
		}
	}

	credential(): Credential {
		return {
			credential_id: this.credentialId.toString('base64'),
			private_key: this.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
			relying_party: RELYING_PARTY,
			sign_count: this.signatures
		}
	}

	/** Returns what is wrong with an assertion, undefined where it holds. */
	fault(assertion: Assertion, challenge: string): string | undefined {
		const fields = Object.keys(assertion).sort().join()
		if (fields !== 'id,rawId,response,type') return `an assertion of the fields ${fields}`
		const response = Object.keys(assertion.response).sort().join()
		if (response !== 'authenticatorData,clientDataJSON,signature,userHandle')
			return `a response of the fields ${response}`
		if (assertion.type !== 'public-key' || !decoded(assertion.rawId).equals(this.credentialId))
			return 'another credential'
		const clientData = decoded(assertion.response.clientDataJSON)
		const { type, challenge: answered, origin } = JSON.parse(clientData.toString())
		if (type !== 'webauthn.get' || answered !== challenge || origin !== ORIGIN) return 'another challenge or origin'
		const data = decoded(assertion.response.authenticatorData)
		if (!data.subarray(0, 32).equals(sha256(RELYING_PARTY)) || ((data[32] ?? 0) & FLAGS) !== FLAGS)
			return 'another relying party'
		const signed = Buffer.concat([data, sha256(clientData)])
		const holds = verify('sha256', signed, createPublicKey(this.privateKey), decoded(assertion.response.signature))
		return holds ? undefined : 'the signature does not hold'
	}
}
