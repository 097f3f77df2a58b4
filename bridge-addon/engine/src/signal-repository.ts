/**
 * Baileys' Signal code, with decryption made repeatable. Baileys commits the ratchet, then sends the receipt, then tells us: when the
 * link dies in between, WhatsApp sends the message again and its key is "used already", so it would be lost. Here the plaintext is
 * committed in the same transaction as the ratchet, under the hash of its ciphertext, and given back the second time.
 */

import { createHash } from 'node:crypto'
import {
	DEFAULT_CONNECTION_CONFIG,
	type SignalDataSet,
	type SignalKeyStoreWithTransaction,
	type SocketConfig
} from 'baileys'
import { PLAINTEXT, type SessionStore } from './session-store.ts'

type MakeRepository = SocketConfig['makeSignalRepository']

const hashOf = (address: string, ciphertext: Uint8Array): string =>
	createHash('sha256').update(address).update('\0').update(ciphertext).digest('base64')

export const repeatableRepository =
	(store: SessionStore): MakeRepository =>
	(auth, logger, findLids) => {
		const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, findLids)
		const keys = auth.keys as SignalKeyStoreWithTransaction

		async function once(scope: string, address: string, ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>) {
			const hash = hashOf(address, ciphertext)
			const known = store.plaintext(hash)
			if (known) return known
			return keys.transaction(async () => {
				const plaintext = await decrypt()
				await keys.set({ [PLAINTEXT]: { [hash]: plaintext } } as SignalDataSet)
				return plaintext
			}, scope)
		}

		return {
			...repository,
			decryptMessage: message =>
				once(message.jid, message.jid, message.ciphertext, () => repository.decryptMessage(message)),
			decryptGroupMessage: message =>
				once(message.group, `${message.group} ${message.authorJid}`, message.msg, () =>
					repository.decryptGroupMessage(message)
				)
		}
	}
