/**
 * The end-to-end encryption of one simulated phone or companion. One-to-one sessions are libsignal's own; sender keys (groups)
 * are written here from the Signal protocol's description, so that a mistake in Baileys' own group code would not go unseen.
 * What a real phone refuses is refused here: bad MACs, used keys, unknown pre-keys, forged signatures, wrong padding.
 */

import { createHmac, randomBytes, randomInt } from 'node:crypto'
import { proto } from 'baileys'
import { ProtocolAddress, SessionBuilder, SessionCipher, SessionRecord, type SignalStorage } from 'libsignal'
import { decrypt, deriveSecrets, encrypt } from 'libsignal/src/crypto.js'
import { calculateSignature, generateKeyPair, verifySignature } from 'libsignal/src/curve.js'
import { type Bundle, signedPreKeyIsGenuine } from './bundle.ts'
import { typed } from './noise.ts'
import './signal-sessions.ts'

const PRE_KEYS_PUBLISHED = 20
const MAX_SKIPPED = 2000
const VERSION_3 = 0x33

export interface Encrypted {
	type: 'pkmsg' | 'msg'
	ciphertext: Buffer
}

interface SignalKeyPair {
	pubKey: Buffer
	privKey: Buffer
}

const newSignalKeyPair = (): SignalKeyPair => {
	const pair = generateKeyPair()
	return { pubKey: Buffer.from(pair.pubKey), privKey: Buffer.from(pair.privKey) }
}

interface SenderChain {
	id: number
	iteration: number
	chainKey: Buffer
	signingKey: Buffer
	skipped: Map<number, Buffer>
}

/** WhatsApp's padding: 1 to 16 bytes, each saying how many they are. */
export function pad(message: proto.IMessage): Buffer {
	const length = randomInt(1, 17)
	return Buffer.concat([proto.Message.encode(message).finish(), Buffer.alloc(length, length)])
}

/** Throws where the padding is not WhatsApp's. */
export function unpad(padded: Buffer): proto.Message {
	const length = padded.at(-1) ?? 0
	if (length < 1 || length > 16 || length > padded.length || padded.subarray(-length).some(byte => byte !== length)) {
		throw new Error('wrong padding')
	}
	return proto.Message.decode(padded.subarray(0, padded.length - length))
}

export class SignalDevice implements SignalStorage {
	readonly registrationId = randomInt(1, 16_380)
	private readonly identity = newSignalKeyPair()
	private readonly signedPreKey = newSignalKeyPair()
	private readonly preKeys = new Map<number, SignalKeyPair>()
	private readonly unpublished: number[] = []
	private nextPreKey = 1
	/** serialised: libsignal changes a record before it has checked a message, and a refused one must leave no trace */
	private readonly sessions = new Map<string, Uint8Array>()
	private readonly ownChains = new Map<
		string,
		{ id: number; iteration: number; chainKey: Buffer; signing: SignalKeyPair }
	>()
	private readonly chains = new Map<string, SenderChain[]>()

	// libsignal's storage

	async loadSession(id: string): Promise<SessionRecord | undefined> {
		const serialized = this.sessions.get(id)
		return serialized && SessionRecord.deserialize(serialized)
	}
	async storeSession(id: string, session: SessionRecord): Promise<void> {
		this.sessions.set(id, session.serialize())
	}
	isTrustedIdentity(): boolean {
		return true
	}
	async loadPreKey(id: number | string): Promise<SignalKeyPair | undefined> {
		return this.preKeys.get(Number(id))
	}
	removePreKey(id: number): void {
		this.preKeys.delete(id)
	}
	loadSignedPreKey(): SignalKeyPair {
		return this.signedPreKey
	}
	getOurRegistrationId(): number {
		return this.registrationId
	}
	getOurIdentity(): SignalKeyPair {
		return this.identity
	}

	get identityKey(): Buffer {
		return this.identity.pubKey.subarray(1)
	}

	/** Signs as this device's identity (XEdDSA). */
	sign(message: Buffer): Buffer {
		return Buffer.from(calculateSignature(this.identity.privKey, message))
	}

	/** Publishes a bundle with a one-time pre-key that is handed out once. */
	bundle(): Bundle {
		if (!this.unpublished.length) {
			for (let made = 0; made < PRE_KEYS_PUBLISHED; made++) {
				this.preKeys.set(this.nextPreKey, newSignalKeyPair())
				this.unpublished.push(this.nextPreKey++)
			}
		}
		const id = this.unpublished.shift() ?? 0
		const pair = this.preKeys.get(id)
		return {
			registrationId: this.registrationId,
			identity: this.identityKey,
			signedPreKey: {
				id: 1,
				publicKey: this.signedPreKey.pubKey.subarray(1),
				signature: this.sign(this.signedPreKey.pubKey)
			},
			...(pair ? { preKey: { id, publicKey: pair.pubKey.subarray(1) } } : {})
		}
	}

	hasSession(peer: string): boolean {
		const serialized = this.sessions.get(address(peer).toString())
		return serialized !== undefined && SessionRecord.deserialize(serialized).haveOpenSession()
	}

	/** Begins a session from a peer's bundle. Throws where the identity did not sign the signed pre-key. */
	async begin(peer: string, bundle: Bundle): Promise<void> {
		if (!signedPreKeyIsGenuine(bundle.identity, bundle.signedPreKey)) throw new Error('forged signed pre-key')
		await new SessionBuilder(this, address(peer)).initOutgoing({
			registrationId: bundle.registrationId,
			identityKey: typed(bundle.identity),
			signedPreKey: {
				keyId: bundle.signedPreKey.id,
				publicKey: typed(bundle.signedPreKey.publicKey),
				signature: bundle.signedPreKey.signature
			},
			// libsignal takes a bundle without a one-time key; its types do not say so
			preKey: (bundle.preKey && {
				keyId: bundle.preKey.id,
				publicKey: typed(bundle.preKey.publicKey)
			}) as { keyId: number; publicKey: Uint8Array }
		})
	}

	async encrypt(peer: string, message: proto.IMessage): Promise<Encrypted> {
		const { type, body } = await new SessionCipher(this, address(peer)).encrypt(pad(message))
		return { type: type === 3 ? 'pkmsg' : 'msg', ciphertext: Buffer.from(body as unknown as Uint8Array) }
	}

	/** Throws for whatever a phone would ask to be sent again. */
	async decrypt(peer: string, { type, ciphertext }: Encrypted): Promise<proto.Message> {
		const cipher = new SessionCipher(this, address(peer))
		const padded = await (type === 'pkmsg'
			? cipher.decryptPreKeyWhisperMessage(ciphertext)
			: cipher.decryptWhisperMessage(ciphertext))
		return unpad(padded)
	}

	// groups

	/** What other members need to read what this device writes to a group. */
	senderKeyDistribution(group: string): Buffer {
		const chain = this.ownChain(group)
		const body = proto.SenderKeyDistributionMessage.encode({
			id: chain.id,
			iteration: chain.iteration,
			chainKey: chain.chainKey,
			signingKey: chain.signing.pubKey
		}).finish()
		return Buffer.concat([Buffer.from([VERSION_3]), body])
	}

	encryptForGroup(group: string, message: proto.IMessage): Buffer {
		const chain = this.ownChain(group)
		const { iv, key } = messageKeys(step(chain.chainKey, 1))
		const ciphertext = encrypt(key, pad(message), iv) as unknown as Buffer
		const body = proto.SenderKeyMessage.encode({ id: chain.id, iteration: chain.iteration, ciphertext }).finish()
		const signed = Buffer.concat([Buffer.from([VERSION_3]), body])
		chain.iteration++
		chain.chainKey = step(chain.chainKey, 2)
		return Buffer.concat([signed, Buffer.from(calculateSignature(chain.signing.privKey, signed))])
	}

	takeSenderKey(group: string, peer: string, distribution: Buffer): void {
		const body = proto.SenderKeyDistributionMessage.decode(distribution.subarray(1))
		const chains = this.chains.get(`${group} ${peer}`) ?? []
		const known = chains.find(chain => chain.id === body.id)
		if (known && known.iteration >= (body.iteration ?? 0)) return
		chains.unshift({
			id: body.id ?? 0,
			iteration: body.iteration ?? 0,
			chainKey: Buffer.from(body.chainKey ?? []),
			signingKey: Buffer.from(body.signingKey ?? []),
			skipped: new Map()
		})
		this.chains.set(`${group} ${peer}`, chains.slice(0, 5))
	}

	/** Throws without the sender's key, for a forged signature and for a message key that was used already. */
	decryptFromGroup(group: string, peer: string, message: Buffer): proto.Message {
		const signed = message.subarray(0, -64)
		const body = proto.SenderKeyMessage.decode(signed.subarray(1))
		const chain = this.chains.get(`${group} ${peer}`)?.find(({ id }) => id === body.id)
		if (!chain) throw new Error('no sender key')
		if (!signatureHolds(chain.signingKey, message)) throw new Error('forged sender key signature')
		const { iv, key } = messageKeys(this.groupSeed(chain, body.iteration ?? 0))
		return unpad(Buffer.from(decrypt(key, Buffer.from(body.ciphertext ?? []), iv) as unknown as Buffer))
	}

	private groupSeed(chain: SenderChain, iteration: number): Buffer {
		if (iteration < chain.iteration) {
			const seed = chain.skipped.get(iteration)
			if (!seed) throw new Error('sender key message used already')
			chain.skipped.delete(iteration)
			return seed
		}
		if (iteration - chain.iteration > MAX_SKIPPED) throw new Error('sender key message too far ahead')
		while (chain.iteration < iteration) {
			chain.skipped.set(chain.iteration++, step(chain.chainKey, 1))
			chain.chainKey = step(chain.chainKey, 2)
		}
		const seed = step(chain.chainKey, 1)
		chain.iteration++
		chain.chainKey = step(chain.chainKey, 2)
		return seed
	}

	private ownChain(group: string) {
		let chain = this.ownChains.get(group)
		if (!chain) {
			chain = { id: randomInt(1, 2 ** 31), iteration: 0, chainKey: randomBytes(32), signing: newSignalKeyPair() }
			this.ownChains.set(group, chain)
		}
		return chain
	}
}

/** The last signature that held: libsignal needs milliseconds for one, and all devices of a group are shown the same. */
let heldLast: Buffer | undefined

function signatureHolds(signingKey: Buffer, message: Buffer): boolean {
	const shown = Buffer.concat([signingKey, message])
	if (heldLast?.equals(shown)) return true
	if (!verifySignature(signingKey, message.subarray(0, -64), message.subarray(-64))) return false
	heldLast = shown
	return true
}

const address = (peer: string) => new ProtocolAddress(peer, 0)
const step = (chainKey: Buffer, seed: 1 | 2): Buffer =>
	createHmac('sha256', chainKey)
		.update(Buffer.from([seed]))
		.digest()

function messageKeys(seed: Buffer): { iv: Buffer; key: Buffer } {
	const [first, second] = deriveSecrets(seed, Buffer.alloc(32), Buffer.from('WhisperGroup'))
	return { iv: first.subarray(0, 16), key: Buffer.concat([first.subarray(16), second.subarray(0, 16)]) }
}
