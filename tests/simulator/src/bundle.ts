/** Signal pre-key bundles as WhatsApp carries them, and the check of their signatures. */

import { verifySignature } from 'libsignal/src/curve.js'
import { type BinaryNode, bigEndian, child, childBytes, children, node } from './nodes.ts'
import { typed } from './noise.ts'

export interface PublicPreKey {
	id: number
	publicKey: Buffer
}

/** What a device publishes so that others can begin a session with it. Keys are 32 bytes, without a type byte. */
export interface Bundle {
	registrationId: number
	identity: Buffer
	signedPreKey: PublicPreKey & { signature: Buffer }
	preKey?: PublicPreKey
}

/** Whether the identity key really signed the signed pre-key (libsignal's own check). */
export function signedPreKeyIsGenuine(identity: Buffer, key: Bundle['signedPreKey']): boolean {
	return key.signature.length === 64 && verifySignature(typed(identity), typed(key.publicKey), key.signature)
}

export const preKeyOf = (parent: BinaryNode): PublicPreKey => ({
	id: childBytes(parent, 'id').readUIntBE(0, 3),
	publicKey: childBytes(parent, 'value')
})

export function signedPreKeyOf(parent: BinaryNode | undefined): Bundle['signedPreKey'] {
	const skey = child(parent, 'skey')
	if (!skey) throw new Error('no signed pre-key')
	return { ...preKeyOf(skey), signature: childBytes(skey, 'signature') }
}

export const preKeysOf = (parent: BinaryNode): PublicPreKey[] => children(child(parent, 'list'), 'key').map(preKeyOf)

/** The children of a `<user>` in the answer to a request for keys. */
export function bundleNodes(bundle: Bundle): BinaryNode[] {
	const keyNodes = (key: PublicPreKey) => [node('id', {}, bigEndian(key.id, 3)), node('value', {}, key.publicKey)]
	return [
		node('registration', {}, bigEndian(bundle.registrationId, 4)),
		node('type', {}, Buffer.from([5])),
		node('identity', {}, bundle.identity),
		node('skey', {}, [...keyNodes(bundle.signedPreKey), node('signature', {}, bundle.signedPreKey.signature)]),
		...(bundle.preKey ? [node('key', {}, keyNodes(bundle.preKey))] : [])
	]
}
