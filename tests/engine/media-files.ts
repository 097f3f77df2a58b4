/** Small files that begin as what they say they are, and what the gateway would tell of them. */

import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const BEGINNINGS = {
	'image/jpeg': Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
	'image/webp': Buffer.concat([Buffer.from('RIFF'), Buffer.alloc(4), Buffer.from('WEBP')]),
	'video/mp4': Buffer.concat([Buffer.alloc(4), Buffer.from('ftypisom')]),
	'audio/mpeg': Buffer.from('ID3'),
	'audio/ogg; codecs=opus': Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from('OpusHead')]),
	'application/pdf': Buffer.from('%PDF-1.7')
} as const

export const THUMBNAIL = Buffer.concat([Buffer.from([0xff, 0xd8]), randomBytes(600), Buffer.from([0xff, 0xd9])])
export const WAVEFORM = Buffer.from(Array.from({ length: 64 }, (_, index) => index))

export interface MediaFile {
	/** as `message.send` is given it */
	media: Record<string, unknown>
	/** as a phone sees it */
	seen: Record<string, unknown>
}

let made = 0

/** Writes a file. `told` is what else is known of it. */
export function mediaFile(
	folder: string,
	mimetype: keyof typeof BEGINNINGS,
	told: Record<string, unknown> = {},
	length = 5_000
): MediaFile {
	const path = join(folder, `file-${++made}`)
	const content = Buffer.concat([BEGINNINGS[mimetype], randomBytes(length)])
	writeFileSync(path, content)
	const nothing = { width: null, height: null, seconds: null, waveform: null, thumbnail: null }
	const common = { mimetype, size: content.length, ...nothing, ...told }
	return {
		media: { ...common, path },
		seen: { ...common, sha256: createHash('sha256').update(content).digest('hex') }
	}
}

export const PICTURE = { width: 640, height: 480, thumbnail: THUMBNAIL.toString('base64') }
export const SOUND = { seconds: 7, waveform: WAVEFORM.toString('base64') }
