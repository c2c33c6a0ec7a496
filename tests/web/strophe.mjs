// Two pages of Chromium with strophe.js exchange messages over WebSocket, and a page of another
// origin is kept out. Arguments: port, http or https, port of another server, screenshot.
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_MODULES + '/');
const { chromium } = require('playwright-core');
const [port, scheme, otherPort, screenshot] = process.argv.slice(2);
const strophe = require.resolve('strophe.js').replace(/[^/]*$/, 'strophe.umd.min.js');
const count = 100;
const text = i => `第${i}条 🎉 <&>`;
const url = `${scheme === 'https' ? 'wss' : 'ws'}://localhost:${port}/xmpp-websocket`;

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM,
	args: ['--no-sandbox', '--ignore-certificate-errors'],
});

async function open(address, faults) {
	// our pages allow no script at all: the test's own passes by the policy
	const page = await (await browser.newContext({ bypassCSP: true })).newPage();
	page.on('console', line => line.type() === 'error' && faults.push(line.text()));
	page.on('pageerror', error => faults.push(String(error)));
	await page.goto(address);
	return page;
}

async function logIn(user, faults) {
	const page = await open(`${scheme}://localhost:${port}/`, faults);
	await page.screenshot({ path: screenshot });
	await page.addScriptTag({ path: strophe });
	await page.evaluate(([address, jid]) => new Promise((done, fail) => {
		const { Strophe, $pres } = globalThis.strophe ?? globalThis;
		const { CONNECTED, AUTHFAIL, CONNFAIL, DISCONNECTED } = Strophe.Status;
		const connection = new Strophe.Connection(address);
		globalThis.connection = connection;
		globalThis.bodies = [];
		connection.connect(jid, 'secret', status => {
			if (status === CONNECTED) {
				connection.addHandler(message => {
					const body = message.getElementsByTagName('body')[0];
					if (body) globalThis.bodies.push(body.textContent);
					return true;
				}, null, 'message');
				connection.send($pres());
				done();
			}
			if (status === AUTHFAIL || status === CONNFAIL) fail(new Error(`status ${status}`));
			if (status === DISCONNECTED) globalThis.isOver = true;
		});
	}), [url, `${user}@localhost/page`]);
	return page;
}

const faults = [];
const pages = { alice: await logIn('alice', faults), bob: await logIn('bob', faults) };
const send = ([to, bodies]) => {
	const { $msg } = globalThis.strophe ?? globalThis;
	for (const body of bodies)
		globalThis.connection.send($msg({ to, type: 'chat' }).c('body').t(body));
};
const all = Array.from({ length: count }, (_, i) => text(i));
await Promise.all([
	pages.alice.evaluate(send, ['bob@localhost/page', all]),
	pages.bob.evaluate(send, ['alice@localhost/page', all]),
]);
for (const page of Object.values(pages)) {
	await page.waitForFunction(n => globalThis.bodies.length >= n, count, { polling: 20 });
	const got = await page.evaluate(() => globalThis.bodies);
	if (JSON.stringify(got) !== JSON.stringify(all)) throw new Error(`got ${got}`);
	await page.evaluate(() => globalThis.connection.disconnect());
	await page.waitForFunction(() => globalThis.isOver, null, { polling: 20 });
}
if (faults.length > 0) throw new Error(faults.join('\n'));

const stranger = await open(`http://localhost:${otherPort}/`, []);
const outcome = await stranger.evaluate(address => new Promise(done => {
	const socket = new WebSocket(address, 'xmpp');
	socket.onopen = () => done('open');
	socket.onclose = () => done('refused');
}), url);
if (outcome !== 'refused') throw new Error(`another origin: ${outcome}`);
await browser.close();
