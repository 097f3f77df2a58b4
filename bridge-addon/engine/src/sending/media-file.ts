/**
 * A file as WhatsApp's media hosts take it: AES-256-CBC and ten bytes of its HMAC, under keys that Baileys derives from one random key.
 * It is read twice, once for the hashes that the upload's address needs and once to be sent, so that nothing is held in memory
 * and nothing written to disk: Baileys' own way makes a temporary file, which outlives a crash.
 */

import { createCipheriv, createHash, createHmac, type Hash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { getMediaKeys, type MediaType } from 'baileys'
import { EngineError } from '../protocol.ts'

const MAC_LENGTH = 10
const READ_AT_ONCE = 128 * 1024

export interface MediaFile {
	/** null: it is sent as it is, to a channel */
	mediaKey: Buffer | null
	fileSha256: Buffer
	/** of what is uploaded */
	uploadSha256: Buffer
	fileLength: number
	uploadLength: number
	/** what is uploaded */
	read(signal: AbortSignal): AsyncIterable<Buffer>
}

const unreadable = () => new EngineError('media_unreadable', 'the media file cannot be read')
const tooLate = () => new EngineError('media_upload_failed', 'the media file was not read in time')

async function* plain(path: string, signal: AbortSignal, hash?: Hash): AsyncGenerator<Buffer> {
	try {
		for await (const part of createReadStream(path, { signal, highWaterMark: READ_AT_ONCE })) {
			hash?.update(part)
			yield part
		}
	} catch {
		throw signal.aborted ? tooLate() : unreadable()
	}
}

async function* encrypted(parts: AsyncIterable<Buffer>, mediaKey: Buffer, type: MediaType): AsyncGenerator<Buffer> {
	const { cipherKey, iv, macKey } = await getMediaKeys(mediaKey, type)
	if (!macKey) throw new EngineError('internal_error', 'no key for the MAC')
	const cipher = createCipheriv('aes-256-cbc', cipherKey, iv)
	const mac = createHmac('sha256', macKey).update(iv)
	for await (const part of parts) {
		const ciphertext = cipher.update(part)
		mac.update(ciphertext)
		yield ciphertext
	}
	const last = cipher.final()
	yield Buffer.concat([last, mac.update(last).digest().subarray(0, MAC_LENGTH)])
}

/** Throws `media_unreadable`, also where it is not of the size that was told. */
export async function openMediaFile(
	path: string,
	size: number | null,
	type: MediaType,
	encrypt: boolean,
	signal: AbortSignal
): Promise<MediaFile> {
	const found = await stat(path).catch(() => undefined)
	if (!found?.isFile() || !found.size || (size !== null && size !== found.size)) throw unreadable()
	const mediaKey = encrypt ? randomBytes(32) : null
	const upload = (parts: AsyncIterable<Buffer>) => (mediaKey ? encrypted(parts, mediaKey, type) : parts)
	const fileHash = createHash('sha256')
	const uploadHash = createHash('sha256')
	let uploadLength = 0
	for await (const part of upload(plain(path, signal, fileHash))) {
		uploadHash.update(part)
		uploadLength += part.length
	}
	return {
		mediaKey,
		fileSha256: fileHash.digest(),
		uploadSha256: uploadHash.digest(),
		fileLength: found.size,
		uploadLength,
		read: again => upload(plain(path, again))
	}
}
