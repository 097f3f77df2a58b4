/**
 * Baileys' Signal code, made safe against three ways in which messages become unreadable:
 *
 * - A send and a receipt of one chat each work on a copy of its session, and the later commit undoes the earlier step: Baileys locks a send by our
 *   own jid, and a decryption by the sender's. Here both take the same lock.
 * - Baileys commits a decryption's step, then sends the receipt, then tells us: when the link dies in between, WhatsApp sends the message again
 *   and its key is "used already". Here the plaintext is committed with the step, under the hash of its ciphertext, and given back the second time.
 * - Baileys writes a message to the link and then commits the step that encrypted it: a crash in between would use its key for another message, which
 *   recipients drop as a repetition. Here the step is on the disk before the ciphertext is given out.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import {
	DEFAULT_CONNECTION_CONFIG,
	type SignalDataSet,
	type SignalKeyStoreWithTransaction,
	type SocketConfig
} from 'baileys'
import { EngineError } from './protocol.ts'
import { PLAINTEXT, type SessionStore } from './session-store.ts'
import './signal-sessions.ts'

type MakeRepository = SocketConfig['makeSignalRepository']

const NOTHING_MIGRATED = { migrated: 0, skipped: 0, total: 0 }

const hashOf = (address: string, ciphertext: Uint8Array): string =>
	createHash('sha256').update(address).update('\0').update(ciphertext).digest('base64')

/** `live`: whether the connection that it is for has not ended. What that one still holds must not undo what the next one has written. */
export const durableRepository =
	(store: SessionStore, live: () => boolean): MakeRepository =>
	(auth, logger, findLids) => {
		const keys = auth.keys as SignalKeyStoreWithTransaction
		const steps = new AsyncLocalStorage<SignalDataSet[]>()
		const recorded: SignalKeyStoreWithTransaction = {
			...keys,
			set: async data => {
				steps.getStore()?.push(data)
				await keys.set(data)
			}
		}
		const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ ...auth, keys: recorded }, logger, findLids)
		const flush = earlyCommits(steps => {
			if (!live()) throw new EngineError('not_connected', 'the connection has ended')
			store.setEarly(steps)
		})

		/** What Baileys locks a send by. */
		const ownLock = () => store.credentials.me?.id ?? ''

		async function once(lock: string, address: string, ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>) {
			const hash = hashOf(address, ciphertext)
			const known = store.plaintext(hash)
			if (known) return known
			return keys.transaction(async () => {
				const plaintext = await decrypt()
				await keys.set({ [PLAINTEXT]: { [hash]: plaintext } } as SignalDataSet)
				return plaintext
			}, lock)
		}

		async function committed<T>(encrypt: () => Promise<T>): Promise<T> {
			const taken: SignalDataSet[] = []
			const encrypted = await steps.run(taken, encrypt)
			await flush(taken)
			return encrypted
		}

		return {
			...repository,
			decryptMessage: message =>
				once(ownLock(), message.jid, message.ciphertext, () => repository.decryptMessage(message)),
			decryptGroupMessage: message =>
				once(message.group, `${message.group} ${message.authorJid}`, message.msg, () =>
					repository.decryptGroupMessage(message)
				),
			migrateSession: async (from, to) =>
				live() ? keys.transaction(() => repository.migrateSession(from, to), ownLock()) : NOTHING_MIGRATED,
			encryptMessage: message => committed(() => repository.encryptMessage(message)),
			encryptGroupMessage: message => committed(() => repository.encryptGroupMessage(message))
		}
	}

/** One commit for all that is encrypted at the same time: a message is, for each device that gets it. */
function earlyCommits(commit: (steps: SignalDataSet[]) => void): (steps: SignalDataSet[]) => Promise<void> {
	let waiting: SignalDataSet[] = []
	let committing: Promise<void> | undefined
	return steps => {
		waiting.push(...steps)
		committing ??= new Promise((resolve, reject) => {
			setImmediate(() => {
				const taken = waiting
				waiting = []
				committing = undefined
				try {
					commit(taken)
					resolve()
				} catch (error) {
					reject(error)
				}
			})
		})
		return committing
	}
}
