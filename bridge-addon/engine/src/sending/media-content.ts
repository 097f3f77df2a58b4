/** Messages with a file in them: uploaded, then described with what the gateway knows of it. No picture is decoded here. */

import { MEDIA_PATH_MAP, proto } from 'baileys'
import type { MediaFile } from './media-file.ts'
import type { Uploaded } from './media-upload.ts'
import type { ContentOf, Media } from './order.ts'

export type MediaContent = ContentOf<'image' | 'video' | 'audio' | 'voice' | 'document' | 'sticker'>

const VOICE_MIMETYPE = 'audio/ogg; codecs=opus'

export const mediaType = ({ type }: MediaContent) => (type === 'voice' ? 'audio' : type)

/** The media host's folder for a kind. A channel's files are open to all, and lie elsewhere. */
export function uploadFolder(content: MediaContent, toChannel: boolean): string {
	const folder = MEDIA_PATH_MAP[mediaType(content)] ?? ''
	return toChannel ? folder.replace('/mms/', '/newsletter/newsletter-') : folder
}

const rounded = (seconds: number | null): number | null => seconds && Math.max(1, Math.round(seconds))

export function mediaMessage(content: MediaContent, file: MediaFile, uploaded: Uploaded): proto.IMessage {
	const { media } = content
	const common = {
		...stored(media, file, uploaded),
		...('view_once' in content && content.view_once ? { viewOnce: true } : {})
	}
	const { width, height, thumbnail: jpegThumbnail } = media
	switch (content.type) {
		case 'image':
			return viewOnce(content, {
				imageMessage: { ...common, caption: content.caption, width, height, jpegThumbnail }
			})
		case 'video':
			return viewOnce(content, {
				videoMessage: {
					...common,
					caption: content.caption,
					width,
					height,
					jpegThumbnail,
					seconds: rounded(media.seconds),
					gifPlayback: content.gif
				}
			})
		case 'audio':
			return { audioMessage: { ...common, seconds: rounded(media.seconds), ptt: false } }
		case 'voice':
			return viewOnce(content, {
				audioMessage: {
					...common,
					mimetype: VOICE_MIMETYPE,
					seconds: rounded(media.seconds),
					waveform: media.waveform,
					ptt: true
				}
			})
		case 'document':
			return {
				documentMessage: {
					...common,
					fileName: content.file_name,
					title: content.file_name,
					caption: content.caption,
					jpegThumbnail
				}
			}
		case 'sticker':
			return {
				stickerMessage: { ...common, width, height, isAnimated: content.animated, stickerSentTs: Date.now() }
			}
	}
}

function stored({ mimetype }: Media, file: MediaFile, { url, directPath }: Uploaded) {
	const { mediaKey, fileSha256, fileLength, uploadSha256 } = file
	const described = { mimetype, url, directPath, fileSha256, fileLength }
	if (!mediaKey) return described
	return { ...described, mediaKey, fileEncSha256: uploadSha256, mediaKeyTimestamp: Math.floor(Date.now() / 1000) }
}

function viewOnce(content: MediaContent, message: proto.IMessage): proto.IMessage {
	if (!('view_once' in content) || !content.view_once) return message
	return content.type === 'voice' ? { viewOnceMessageV2Extension: { message } } : { viewOnceMessageV2: { message } }
}
