/**
 * What Baileys keeps in caches of a socket's own, each entry with a timer that lasts minutes or days. It empties them when the socket ends; what is
 * still worked off then, its messages and sends, fills them again, and each end of a link would leave some behind.
 */

import type { WASocket } from 'baileys'

/** The caches are private to Baileys (lib/Signal/lid-mapping.js, lib/Utils/message-retry-manager.js). */
interface Socket {
	signalRepository: { lidMapping: { mappingCache: Cache }; close(): void }
	messageRetryManager: Record<'recentMessagesMap' | 'sessionRecreateHistory' | 'retryCounters' | 'baseKeys', Cache> & {
		clear(): void
	}
}
interface Cache {
	ttl: number
}

/** From now on an entry lasts as long as the socket itself, and has no timer. */
export function keepNoTimers(socket: WASocket): void {
	const { signalRepository, messageRetryManager: retries } = socket as unknown as Socket
	const { recentMessagesMap, sessionRecreateHistory, retryCounters, baseKeys } = retries
	const caches = [recentMessagesMap, sessionRecreateHistory, retryCounters, baseKeys]
	for (const cache of [...caches, signalRepository.lidMapping.mappingCache]) cache.ttl = 0
	signalRepository.close()
	retries.clear()
}
