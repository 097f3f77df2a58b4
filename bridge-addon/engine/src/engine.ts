/** The engine's methods: all accounts of one process. */

import { join } from 'node:path'
import { Account } from './account.ts'
import { jidOf } from './addresses.ts'
import { groupList, groupWithMembers } from './asking/groups.ts'
import { checkNumbers } from './asking/numbers.ts'
import {
	blockOrder,
	callOrder,
	chatQuestion,
	createOrder,
	groupQuestion,
	inviteOrder,
	membersOrder,
	numbersQuestion,
	pictureOrder,
	presenceOrder,
	profileOrder,
	readOrder,
	updateOrder
} from './asking/questions.ts'
import type { WhatsApp } from './connection.ts'
import type { Handlers } from './json-rpc.ts'
import { log, setLogLevel } from './log.ts'
import {
	accountParam,
	backupParams,
	confirmParams,
	deliveryParams,
	initializeParams,
	pairingParams,
	passkeyParams
} from './parameters.ts'
import { EngineError, type Notify, PROTOCOL_VERSION } from './protocol.ts'
import { downloadParams } from './receiving/download-order.ts'
import { sendParams } from './sending/order.ts'
import { putAside, SessionStore } from './session-store.ts'
import { WhatsAppVersion } from './whatsapp-version.ts'

const NAME = 'whatsapp-engine'
const VERSION = '0.1.0'
const LIBRARY = 'baileys 7.0.0-rc14'

interface Settings {
	dataDir: string
	whatsapp: WhatsApp
}

export class Engine {
	private settings: Settings | undefined
	private readonly accounts = new Map<string, Account>()
	private readonly notify: Notify

	constructor(notify: Notify) {
		this.notify = notify
	}

	readonly handlers: Handlers = {
		initialize: async params => {
			const { dataDir, whatsappUrl: url, logLevel } = initializeParams(params)
			setLogLevel(logLevel)
			const version = new WhatsAppVersion(dataDir, url)
			this.settings = { dataDir, whatsapp: { url, version } }
			// who connects meanwhile takes the one that was found last
			void version.refresh()
			log('info', 'initialized', { version: VERSION, library: LIBRARY })
			return { protocol_version: PROTOCOL_VERSION, engine: { name: NAME, version: VERSION, library: LIBRARY } }
		},
		ping: async () => {
			this.initialized()
			return { memory: process.memoryUsage.rss() }
		},
		'account.start': async params => {
			const { dataDir, whatsapp } = this.initialized()
			const { account: id, delivery } = deliveryParams(params)
			if (this.accounts.has(id)) return {}
			const store = new SessionStore(join(dataDir, 'accounts', id))
			const account = new Account(id, store, whatsapp, this.notify)
			this.accounts.set(id, account)
			// the answer first: state follows it
			setImmediate(() => account.start(delivery))
			return {}
		},
		'event.acknowledge': async params => {
			const { account, delivery } = deliveryParams(params)
			await this.account(account).acknowledge(delivery)
			return {}
		},
		'account.stop': async params => {
			await this.takeOut(accountParam(params)).stop()
			return {}
		},
		'account.backup': async params => {
			const { account, path } = backupParams(params)
			return { size: this.account(account).backUp(path) }
		},
		'account.erase': async params => {
			const id = accountParam(params)
			if (this.accounts.has(id)) return { unlinked: await this.takeOut(id).erase() }
			putAside(join(this.initialized().dataDir, 'accounts', id))
			return { unlinked: false }
		},
		'pairing.start': async params => {
			const order = pairingParams(params)
			this.account(order.account).startPairing(order)
			return {}
		},
		'pairing.cancel': async params => {
			this.account(accountParam(params)).cancelPairing()
			return {}
		},
		'pairing.passkey': async params => {
			const { account, assertion } = passkeyParams(params)
			await this.account(account).answerPasskey(assertion)
			return {}
		},
		'pairing.confirm': async params => {
			const { account, same } = confirmParams(params)
			await this.account(account).confirmPasskey(same)
			return {}
		},
		'message.send': async params => {
			const order = sendParams(params)
			return this.account(order.account).send(order)
		},
		'media.download': async params => {
			const order = downloadParams(params)
			return this.account(order.account).download(order)
		},
		'message.mark_read': async params => {
			const order = readOrder(params)
			return this.account(order.account).asking.markRead(order)
		},
		'presence.send': async params => {
			const { account, chat, presence } = presenceOrder(params)
			return this.account(account).asking.sendPresence(chat, presence)
		},
		'presence.subscribe': async params => {
			const { account, chat } = chatQuestion(params)
			return this.account(account).asking.subscribePresence(chat)
		},
		'profile.get': async params => this.account(accountParam(params)).asking.profile(),
		'profile.set': async params => {
			const { account, update } = profileOrder(params)
			return this.account(account).asking.updateProfile(update)
		},
		'block.list': async params => this.account(accountParam(params)).asking.blocked(),
		'block.set': async params => {
			const { account, chat, blocked } = blockOrder(params)
			return this.account(account).asking.setBlocked(chat, blocked)
		},
		'call.reject': async params => {
			const { account, call_id } = callOrder(params)
			return this.account(account).asking.rejectCall(call_id)
		},
		'contact.list': async params => this.account(accountParam(params)).asking.contacts(),
		'contact.resync': async params => this.account(accountParam(params)).asking.resyncContacts(),
		'picture.download': async params => {
			const { account, chat, path, preview } = pictureOrder(params)
			return this.account(account).asking.picture(chat, path, preview)
		},
		'number.check': async params => {
			const { account, phones } = numbersQuestion(params)
			return this.account(account).ask(socket => checkNumbers(socket, phones))
		},
		'group.create': async params => {
			const order = createOrder(params)
			return this.account(order.account).asking.createGroup(order)
		},
		'group.update': async params => {
			const order = updateOrder(params)
			return this.account(order.account).asking.updateGroup(order)
		},
		'group.members': async params => {
			const order = membersOrder(params)
			return this.account(order.account).asking.changeMembers(order)
		},
		'group.invite': async params => {
			const order = inviteOrder(params)
			return this.account(order.account).asking.invite(order)
		},
		'group.leave': async params => {
			const { account, chat } = groupQuestion(params)
			return this.account(account).asking.leaveGroup(chat)
		},
		'group.list': async params => this.account(accountParam(params)).ask(groupList),
		'group.get': async params => {
			const { account, chat } = groupQuestion(params)
			return this.account(account).ask(socket => groupWithMembers(socket, jidOf(chat)))
		}
	}

	async stop(): Promise<void> {
		await Promise.all([...this.accounts.values()].map(account => account.stop()))
		this.accounts.clear()
	}

	private initialized(): Settings {
		if (!this.settings) throw new EngineError('not_initialized', 'initialize comes first')
		return this.settings
	}

	/** An account that is about to end: from now on it counts as not started. */
	private takeOut(id: string): Account {
		const account = this.account(id)
		this.accounts.delete(id)
		return account
	}

	private account(id: string): Account {
		this.initialized()
		const account = this.accounts.get(id)
		if (!account) throw new EngineError('account_not_started', 'this account was not started')
		return account
	}
}
