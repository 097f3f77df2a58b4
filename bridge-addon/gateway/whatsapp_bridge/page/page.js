// The gateway's page. All addresses are relative: Home Assistant shows it below a path of its own.
// What comes from the gateway is put into the page as text, never as HTML.

const PAUSE = 2000
const PAUSE_WHILE_LINKING = 1000

const STATES = {
	connected: ['Connected', 'good', ''],
	connecting: ['Connecting', 'busy', 'Messages wait in the queue.'],
	starting: ['Starting', 'busy', 'Messages wait in the queue.'],
	reconnecting: ['Reconnecting', 'busy', 'Messages wait in the queue.'],
	pairing: ['Not linked', 'busy', 'Link it with WhatsApp on the phone: Settings, Linked devices, Link a device.'],
	logged_out: ['Logged out', 'bad', 'The phone has unlinked this device. Link it again.'],
	replaced: ['Replaced', 'bad', 'The same link is used elsewhere. Stop the other gateway, then restart this one.'],
	blocked: ['Blocked', 'bad', 'WhatsApp has blocked the number. See what WhatsApp on the phone says.'],
	failed: ['Failed', 'bad', 'The gateway cannot go on with it. Its log says why.']
}

const ENDINGS = {
	pairing_expired: 'The code was not scanned in time.',
	pairing_refused: 'WhatsApp or the phone refused. A phone takes four linked devices.',
	pairing_rate_limited: 'WhatsApp allows no more attempts for now. Wait some hours.',
	connection_lost: 'The connection to WhatsApp was lost.'
}

const EVENTS = {
	'account.state': 'Account’s state',
	'account.added': 'Account added',
	'account.changed': 'Account renamed',
	'account.removed': 'Account removed',
	'pairing.update': 'Linking',
	'message.received': 'Message received',
	'message.status': 'Message sent'
}

const $ = id => document.getElementById(id)
let token = sessionStorage.getItem('token') ?? ''
let timer = 0
let refreshing = false
let again = false

class Refused extends Error {
	constructor(status, detail) {
		super(detail)
		this.status = status
	}
}

async function call(method, path, body, accept = 'application/json') {
	const headers = { Accept: accept }
	if (token) headers.Authorization = `Bearer ${token}`
	if (body) headers['Content-Type'] = 'application/json'
	const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: 'no-store' })
	if (accept !== 'application/json' && answer.ok) return answer.blob()
	const content = await answer.json()
	if (!answer.ok) throw new Refused(answer.status, content.detail)
	return content.data
}

const account = (id, rest = '') => `v1/accounts/${encodeURIComponent(id)}${rest}`
const time = text => {
	const moment = new Date(text)
	const today = moment.toDateString() === new Date().toDateString()
	return moment.toLocaleString([], today ? { timeStyle: 'medium' } : { dateStyle: 'short', timeStyle: 'short' })
}

/** Sets a text only where it is new, so that a screen reader does not say it again. */
function say(element, text) {
	if (element.textContent !== text) element.textContent = text
}

function problem(error) {
	const text = error instanceof Refused ? error.message : error ? 'The gateway does not answer.' : ''
	say($('problem'), text)
	$('problem').hidden = !text
}

/** Does what a button or form asks for; shows what went wrong; then looks what has changed. */
async function act(button, action) {
	button.disabled = true
	try {
		await action()
		problem()
	} catch (error) {
		problem(error)
	} finally {
		button.disabled = false
		await refresh()
	}
}

function showAccounts(accounts) {
	const list = $('accounts')
	for (const item of [...list.children]) if (!accounts.some(one => one.id === item.dataset.id)) item.remove()
	for (const one of accounts) {
		let item = [...list.children].find(known => known.dataset.id === one.id)
		if (!item) {
			item = newAccount(one.id)
			list.append(item)
		}
		showAccount(item, one)
	}
	const choice = $('test-account')
	const wanted = accounts.map(one => one.id).join()
	if (choice.dataset.ids !== wanted) {
		const chosen = choice.value
		choice.replaceChildren(...accounts.map(one => new Option(one.name, one.id)))
		if (accounts.some(one => one.id === chosen)) choice.value = chosen
		choice.dataset.ids = wanted
	}
}

/** What is done if the question that is open now is answered with yes. */
let confirmed = () => undefined

function newAccount(id) {
	const item = $('account').content.cloneNode(true).firstElementChild
	item.dataset.id = id
	const on = (name, action) => item.querySelector(name).addEventListener('click', event => action(event.currentTarget))
	on('.show-qr', button => act(button, () => call('POST', account(id, '/pairing'), { method: 'qr' })))
	on('.show-code', () => {
		const form = item.querySelector('.by-code')
		form.hidden = !form.hidden
		if (!form.hidden) form.querySelector('input').focus()
	})
	on('.cancel', button => act(button, () => call('DELETE', account(id, '/pairing'))))
	on('.remove', button => {
		say($('confirm-text'), `Unlink “${item.querySelector('h3').textContent}” from its phone and erase it here? Home Assistant’s entry stays and says that it is gone.`)
		confirmed = () => act(button, () => call('DELETE', account(id)))
		$('confirm').showModal()
	})
	item.querySelector('.by-code').addEventListener('submit', event => {
		event.preventDefault()
		const phone = event.target.querySelector('input').value
		void act(event.target.querySelector('button'), async () => {
			await call('POST', account(id, '/pairing'), { method: 'code', phone })
			event.target.hidden = true
		})
	})
	return item
}

function showAccount(item, one) {
	const [word, colour, advice] = STATES[one.reason === 'not_paired' ? 'pairing' : one.state] ?? [one.state, 'busy', '']
	const pairing = one.pairing ?? {}
	const linking = ['waiting', 'passkey_required', 'confirmation_required'].includes(pairing.status)
	const linkable = ['pairing', 'logged_out'].includes(one.state)
	say(item.querySelector('h3'), one.name)
	say(item.querySelector('.state'), word)
	item.querySelector('.state').className = `state ${colour}`
	say(item.querySelector('.about'), [one.phone, `since ${time(one.since)}`, one.reason && one.reason !== 'not_paired' && `(${one.reason})`].filter(Boolean).join(' '))
	say(item.querySelector('.advice'), advice)
	item.querySelector('.show-qr').hidden = item.querySelector('.show-code').hidden = !linkable || linking
	item.querySelector('.cancel').hidden = !linking || !linkable
	const box = item.querySelector('.pairing')
	box.hidden = !linkable || !one.pairing
	if (box.hidden) return
	void showQr(item, one)
	const code = item.querySelector('.code')
	code.hidden = !pairing.code
	say(code, pairing.code ?? '')
	let text = ''
	if (pairing.qr) text = 'Scan this with WhatsApp on the phone: Settings, Linked devices, Link a device. It changes every 20 seconds.'
	else if (pairing.code) text = 'Type this code on the phone: Settings, Linked devices, Link a device, Link with phone number.'
	else if (linking && pairing.status !== 'waiting') text = 'WhatsApp asks for a passkey: go on in Home Assistant’s dialog.'
	else if (linking || pairing.status === 'paired') text = 'Just a moment…'
	else if (pairing.error_code) text = ENDINGS[pairing.error_code] ?? `Linking ended: ${pairing.error_code}.`
	say(item.querySelector('.pairing-text'), text)
}

/** Shows the code that is valid now: a picture is fetched only where the code is a new one. */
async function showQr(item, one) {
	const picture = item.querySelector('.qr')
	const qr = one.pairing.qr ?? ''
	if (!qr) picture.hidden = true
	if (picture.dataset.qr === qr) return
	picture.dataset.qr = qr
	if (!qr) return
	try {
		const drawn = await call('GET', account(one.id, '/qr'), undefined, 'image/svg+xml')
		URL.revokeObjectURL(picture.src)
		picture.src = URL.createObjectURL(drawn)
		picture.hidden = false
	} catch {
		picture.dataset.qr = '' // it has just run out: the next look gets the next one
	}
}

function row(...cells) {
	const line = document.createElement('tr')
	for (const cell of cells) {
		const place = document.createElement('td')
		place.append(cell)
		line.append(place)
	}
	return line
}

function showRecent(events, names) {
	$('recent-empty').hidden = events.length > 0
	$('recent-table').hidden = events.length === 0
	$('recent').replaceChildren(
		...events.map(event => row(time(event.time), names.get(event.account) ?? event.account, EVENTS[event.type] ?? event.type, event.detail ?? ''))
	)
}

async function showQueue(accounts, waiting, names) {
	const messages = []
	if (waiting)
		for (const one of accounts)
			for (const status of ['sending', 'queued'])
				for (const message of (await call('GET', account(one.id, `/messages?status=${status}&limit=50`))).messages)
					messages.push([one.id, message])
	$('queue-empty').hidden = messages.length > 0
	$('queue-table').hidden = messages.length === 0
	const shown = messages.map(([, message]) => message.messageId + message.status).join()
	if ($('queue').dataset.shown === shown) return
	$('queue').dataset.shown = shown
	$('queue').replaceChildren(
		...messages.map(([id, message]) => {
			const button = document.createElement('button')
			button.textContent = 'Cancel'
			button.className = 'danger'
			button.setAttribute('aria-label', `Cancel the message to ${message.to}`)
			button.addEventListener('click', () => act(button, () => call('DELETE', account(id, `/messages/${message.messageId}`))))
			return row(time(message.timestamp), names.get(id), message.to, message.status, button)
		})
	)
}

function summary(gateway) {
	if (gateway.storage) return `Version ${gateway.version}. Nothing can be written: ${gateway.storage}.`
	if (gateway.engine !== 'running') return `Version ${gateway.version}. The WhatsApp engine is being restarted.`
	const connected = gateway.accounts.filter(one => one.state === 'connected').length
	return `Version ${gateway.version}. ${connected} of ${gateway.accounts.length} accounts connected.`
}

async function look() {
	const gateway = await call('GET', 'v1/gateway')
	const names = new Map(gateway.accounts.map(one => [one.id, one.name]))
	$('login').hidden = true
	$('content').hidden = false
	say($('summary'), summary(gateway))
	showAccounts(gateway.accounts)
	showRecent(gateway.recent, names)
	if (document.activeElement !== $('level')) $('level').value = gateway.log_level
	await showQueue(gateway.accounts, gateway.waiting, names)
	return gateway.accounts.some(one => one.state === 'pairing' || one.state === 'logged_out')
}

/** Looks now, and again after a while; one look at a time. */
async function refresh() {
	clearTimeout(timer)
	if (refreshing) {
		again = true
		return
	}
	refreshing = true
	let pause = PAUSE
	try {
		do {
			again = false
			if (await look()) pause = PAUSE_WHILE_LINKING
		} while (again)
		if ($('problem').dataset.of === 'look') problem()
		delete $('problem').dataset.of
	} catch (error) {
		if (error.status === 401) {
			$('content').hidden = true
			$('login').hidden = false
			say($('summary'), 'Locked')
			refreshing = false
			return
		}
		problem(error)
		$('problem').dataset.of = 'look'
		say($('summary'), 'Out of reach')
	}
	refreshing = false
	if (!document.hidden) timer = setTimeout(refresh, pause)
}

$('confirm').querySelector('form').addEventListener('submit', event => {
	if (event.submitter?.value === 'yes') void confirmed()
})

$('login').addEventListener('submit', async event => {
	event.preventDefault()
	token = $('token').value.trim()
	try {
		await call('GET', 'v1/gateway')
		sessionStorage.setItem('token', token)
		problem()
	} catch (error) {
		problem(error.status === 401 ? new Refused(401, 'This is not the gateway’s token.') : error)
		token = ''
	}
	if (token) await refresh()
})

$('add').addEventListener('submit', event => {
	event.preventDefault()
	void act(event.submitter, async () => {
		await call('POST', 'v1/accounts', { name: $('name').value })
		$('name').value = ''
	})
})

$('test').addEventListener('submit', event => {
	event.preventDefault()
	const button = event.submitter
	const body = { type: 'text', to: $('test-to').value, text: $('test-text').value }
	void act(button, async () => {
		say($('test-result'), 'Sending…')
		try {
			const message = await call('POST', account($('test-account').value, '/messages?wait=10'), body)
			say($('test-result'), ['queued', 'sending'].includes(message.status) ? 'It waits for a connection.' : 'WhatsApp has it.')
		} catch (error) {
			say($('test-result'), error instanceof Refused ? error.message : 'The gateway does not answer.')
		}
	})
})

$('level').addEventListener('change', event => act(event.target, () => call('PATCH', 'v1/gateway', { log_level: event.target.value })))

$('copy').addEventListener('click', event =>
	act(event.currentTarget, async () => {
		const text = JSON.stringify(await call('GET', 'v1/gateway/report'), null, '\t')
		const place = $('report')
		place.value = text
		place.hidden = false
		place.select()
		// the clipboard is there only over HTTPS and on this machine
		const done = navigator.clipboard
			? await navigator.clipboard.writeText(text).then(
					() => true,
					() => document.execCommand('copy')
				)
			: document.execCommand('copy')
		say($('copied'), done ? 'Copied.' : 'Copy the text below.')
	})
)

document.addEventListener('visibilitychange', () => {
	if (!document.hidden) void refresh()
})
void refresh()
