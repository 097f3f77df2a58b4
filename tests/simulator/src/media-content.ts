/** Files in messages, fetched, decrypted and looked at: what a phone could not show is complained of. */

import type { proto } from 'baileys'
import { type MediaKind, type MediaReference, openMedia, openPlainMedia, type OpenedMedia } from './media.ts'
import type { Reading } from './reading.ts'

export interface MediaFacts {
	mimetype: string
	size: number
	sha256: string
	width: number | null
	height: number | null
	seconds: number | null
	/** base64 */
	waveform: string | null
	thumbnail: string | null
}

interface MediaPart extends MediaReference {
	mimetype?: string | null
	mediaKeyTimestamp?: number | { toNumber(): number } | null
	width?: number | null
	height?: number | null
	seconds?: number | null
	waveform?: Uint8Array | null
	jpegThumbnail?: Uint8Array | null
}

const MAX_THUMBNAIL = 24 * 1024
const MAX_AGE_S = 600
const KEYS = { image: 'Image', sticker: 'Image', video: 'Video', audio: 'Audio', document: 'Document' } as const
type PartName = keyof typeof KEYS
const FOLDERS: Record<PartName, string> = {
	image: 'image',
	sticker: 'image',
	video: 'video',
	audio: 'audio',
	document: 'document'
}

const starts = (head: Buffer, magic: string, at = 0) =>
	head.subarray(at, at + magic.length).toString('latin1') === magic
const isJpeg = (bytes: Uint8Array) => bytes[0] === 0xff && bytes[1] === 0xd8
const looksLike: Record<string, (head: Buffer) => boolean> = {
	'image/jpeg': isJpeg,
	'image/png': head => starts(head, '\x89PNG'),
	'image/webp': head => starts(head, 'RIFF') && starts(head, 'WEBP', 8),
	'video/mp4': head => starts(head, 'ftyp', 4),
	'audio/ogg; codecs=opus': head => starts(head, 'OggS') && head.includes('OpusHead')
}

/** Undefined, and a complaint, where it can't be opened. */
export function readMedia(reading: Reading, name: PartName, part: MediaPart): MediaFacts | undefined {
	const { complain } = reading
	const mimetype = part.mimetype ?? ''
	let opened: OpenedMedia
	try {
		const kind: MediaKind = KEYS[name]
		opened = reading.chat.startsWith('channel:')
			? openPlainMedia(reading.media, part)
			: openMedia(reading.media, kind, part)
	} catch (error) {
		complain(`media: ${error instanceof Error ? error.message : String(error)}`)
		return undefined
	}
	const folder = reading.chat.startsWith('channel:')
		? `/newsletter/newsletter-${FOLDERS[name]}`
		: `/mms/${FOLDERS[name]}`
	if (opened.folder !== folder) complain(`media: put into ${opened.folder}`)
	if (!mimetype) complain('media: of no type')
	if (looksLike[mimetype]?.(opened.head) === false) complain(`media: is no ${mimetype}`)
	const age = Date.now() / 1000 - Number(part.mediaKeyTimestamp ?? 0)
	if (part.mediaKey && !(age > -MAX_AGE_S && age < MAX_AGE_S)) complain('media: a key of another time')
	checkPreview(reading, part)
	return {
		mimetype,
		size: opened.size,
		sha256: opened.sha256,
		width: part.width ?? null,
		height: part.height ?? null,
		seconds: part.seconds ?? null,
		waveform: base64(part.waveform),
		thumbnail: base64(part.jpegThumbnail)
	}
}

export const base64 = (bytes: Uint8Array | null | undefined): string | null =>
	bytes?.length ? Buffer.from(bytes).toString('base64') : null

function checkPreview({ complain }: Reading, { jpegThumbnail, waveform, width, height }: MediaPart): void {
	if (jpegThumbnail?.length) checkThumbnail(jpegThumbnail, complain)
	if (waveform?.length && (waveform.length !== 64 || waveform.some(height => height > 100)))
		complain('media: a wrong waveform')
	if (((width ?? null) === null) !== ((height ?? null) === null)) complain('media: width without height')
}

export function checkThumbnail(jpeg: Uint8Array, complain: (why: string) => void): void {
	const ends = jpeg.at(-2) === 0xff && jpeg.at(-1) === 0xd9
	if (!isJpeg(jpeg) || !ends || jpeg.length > MAX_THUMBNAIL) complain('a thumbnail that is no small JPEG')
}

/** What only a voice note, and what only a sticker, must be. */
export function checkVoice({ complain }: Reading, { mimetype, seconds }: proto.Message.IAudioMessage): void {
	if (mimetype !== 'audio/ogg; codecs=opus') complain('a voice note that is no Ogg with Opus')
	if (!seconds) complain('a voice note of no length')
}

export function checkSticker({ complain }: Reading, { mimetype }: proto.Message.IStickerMessage): void {
	if (mimetype !== 'image/webp') complain('a sticker that is no WebP')
}
