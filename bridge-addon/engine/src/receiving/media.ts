/** Files in messages, as the message describes them: nothing of it is checked until the file is fetched. */

import type { proto } from 'baileys'
import type { ReceivedMedia } from './contents.ts'

export type MediaKind = 'image' | 'video' | 'audio' | 'document' | 'sticker'

export interface MediaPart {
	mimetype?: string | null
	fileLength?: number | { toNumber(): number } | null
	fileSha256?: Uint8Array | null
	fileEncSha256?: Uint8Array | null
	mediaKey?: Uint8Array | null
	directPath?: string | null
	width?: number | null
	height?: number | null
	seconds?: number | null
	waveform?: Uint8Array | null
	jpegThumbnail?: Uint8Array | null
	pngThumbnail?: Uint8Array | null
}

const base64 = (bytes: Uint8Array | null | undefined): string | null =>
	bytes?.length ? Buffer.from(bytes).toString('base64') : null

export function describeMedia(part: MediaPart): ReceivedMedia {
	return {
		mimetype: part.mimetype || 'application/octet-stream',
		size: Number(part.fileLength ?? 0),
		sha256: part.fileSha256?.length ? Buffer.from(part.fileSha256).toString('hex') : null,
		width: part.width || null,
		height: part.height || null,
		seconds: part.seconds || null,
		waveform: base64(part.waveform),
		thumbnail: base64(part.jpegThumbnail) ?? base64(part.pngThumbnail)
	}
}

/** The file of a message, and under which kind of key it is. */
export function mediaOf(content: proto.IMessage): { kind: MediaKind; part: MediaPart } | undefined {
	const { imageMessage, videoMessage, ptvMessage, audioMessage, documentMessage, stickerMessage } = content
	if (imageMessage) return { kind: 'image', part: imageMessage }
	if (videoMessage ?? ptvMessage) return { kind: 'video', part: (videoMessage ?? ptvMessage) as MediaPart }
	if (audioMessage) return { kind: 'audio', part: audioMessage }
	if (documentMessage) return { kind: 'document', part: documentMessage }
	if (stickerMessage) return { kind: 'sticker', part: stickerMessage }
	return undefined
}
