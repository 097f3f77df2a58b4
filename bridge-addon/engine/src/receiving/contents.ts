/** The kinds of content that a received message has: docs/engine-protocol.md. */

export interface ReceivedMedia {
	mimetype: string
	/** bytes */
	size: number
	/** of the decrypted file, in hex */
	sha256: string | null
	width: number | null
	height: number | null
	seconds: number | null
	/** base64 */
	waveform: string | null
	thumbnail: string | null
}

export interface Place {
	latitude: number
	longitude: number
	name: string | null
	address: string | null
}

export interface ContactCard {
	name: string
	phones: string[]
	organization: string | null
	email: string | null
}

export type EventResponse = 'going' | 'not_going' | 'maybe'

export type Content =
	| {
			type: 'text'
			text: string
			link_preview: { url: string; title: string | null; description: string | null } | null
	  }
	| { type: 'image'; media: ReceivedMedia; caption: string | null; album: string | null }
	| { type: 'video'; media: ReceivedMedia; caption: string | null; gif: boolean; album: string | null }
	| { type: 'audio' | 'voice'; media: ReceivedMedia }
	| { type: 'document'; media: ReceivedMedia; caption: string | null; file_name: string | null }
	| { type: 'sticker'; media: ReceivedMedia; animated: boolean }
	| ({ type: 'location'; live: boolean } & Place)
	| { type: 'contacts'; contacts: ContactCard[] }
	| { type: 'poll'; question: string; options: string[]; selectable: number }
	| {
			type: 'event'
			name: string
			description: string | null
			start: string | null
			end: string | null
			location: Place | null
			cancelled: boolean
	  }
	| { type: 'reaction'; message_id: string; author: string | null; emoji: string }
	| { type: 'poll_vote'; message_id: string; options: string[] }
	| { type: 'event_response'; message_id: string; response: EventResponse }
	| { type: 'choice'; message_id: string | null; id: string | null; text: string | null }
	| { type: 'edit'; message_id: string; text: string }
	| { type: 'revoke'; message_id: string }
	| {
			type: 'group_invite'
			chat: string
			subject: string | null
			code: string | null
			expires_at: string | null
			text: string | null
	  }
	| { type: 'album'; images: number; videos: number }
	| { type: 'unsupported'; kind: string }

/** What stands beside a message's content. */
export interface Around {
	quote: { message_id: string; author: string | null; text: string | null } | null
	/** chat ids of people */
	mentions: string[]
	forwarded: boolean
	view_once: boolean
}
