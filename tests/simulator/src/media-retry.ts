/** A linked device finds a file gone from the media host: the owner's phone is asked to put it there once more. */

import { hkdfSync, randomBytes } from 'node:crypto'
import { proto } from 'baileys'
import type { MediaStore } from './media.ts'
import { type BinaryNode, child, childBytes, node, seconds } from './nodes.ts'
import { openGcm, sealGcm } from './noise.ts'
import type { World } from './world.ts'

const { SUCCESS, NOT_FOUND } = proto.MediaRetryNotification.ResultType

const retryKey = (mediaKey: Uint8Array): Buffer =>
	Buffer.from(hkdfSync('sha256', mediaKey, '', 'WhatsApp Media Retry Notification', 32))

/** Returns the notification that answers it. */
export function uploadAgain(world: World, media: MediaStore, receipt: BinaryNode): BinaryNode | undefined {
	const { id = '' } = receipt.attrs
	const file = world.written.get(id)?.file
	const named = child(receipt, 'rmr')
	if (!file || !named?.attrs.jid) {
		world.violate('receipt', 'asks for a file of no message')
		return undefined
	}
	const key = retryKey(file.mediaKey)
	if (!asksFor(id, key, receipt)) world.violate('receipt', 'asks for a file that it has no key of')
	world.count('files asked for again')
	const found = !file.gone
	const answer = proto.MediaRetryNotification.encode({
		stanzaId: id,
		result: found ? SUCCESS : NOT_FOUND,
		...(found ? { directPath: media.keep(file.body) } : {})
	}).finish()
	const iv = randomBytes(12)
	const ciphertext = sealGcm(key, iv, answer, Buffer.from(id))
	const attrs = { id, type: 'mediaretry', from: receipt.attrs.to, t: seconds() }
	return node('notification', attrs, [
		node('encrypt', {}, [node('enc_p', {}, ciphertext), node('enc_iv', {}, iv)]),
		node('rmr', named.attrs)
	])
}

function asksFor(id: string, key: Buffer, receipt: BinaryNode): boolean {
	const encrypted = child(receipt, 'encrypt')
	try {
		const opened = openGcm(key, childBytes(encrypted, 'enc_iv'), childBytes(encrypted, 'enc_p'), Buffer.from(id))
		return proto.ServerErrorReceipt.decode(opened).stanzaId === id
	} catch {
		return false
	}
}
