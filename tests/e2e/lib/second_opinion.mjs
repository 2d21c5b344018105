// Node's parser (llhttp, strict) as a second opinion: reads lines of base64, each the bytes of one connection, gives each to a
// server of its own process and prints what it understood: one JSON line with the requests, and whether it refused.
import http from 'node:http';
import net from 'node:net';
import readline from 'node:readline';

const seen = new Map();

const server = http.createServer({ insecureHTTPParser: false, requireHostHeader: true, maxHeaderSize: 1 << 18 }, (req, res) => {
  const body = [];
  const it = { method: req.method, target: req.url, version: req.httpVersion, fields: req.rawHeaders.length / 2, body: '', complete: false };
  seen.get(req.socket.remotePort)?.requests.push(it);
  req.on('data', (b) => body.push(b));
  req.on('end', () => {
    it.body = Buffer.concat(body).toString('latin1');
    it.complete = req.complete;
    it.trailers = req.rawTrailers.length / 2;
    res.end();
  });
  req.on('error', () => {});
});
server.maxHeadersCount = 0;
server.on('clientError', (e, socket) => {
  const w = seen.get(socket.remotePort);
  if (w && e.code !== 'ECONNRESET') w.refused = e.code;
  socket.destroy();
});
server.on('connect', (req, socket) => {
  seen.get(req.socket.remotePort)?.requests.push({ method: 'CONNECT', target: req.url, complete: true, body: '', fields: req.rawHeaders.length / 2 });
  socket.destroy();
});
server.on('checkContinue', (req, res) => server.emit('request', req, res));
server.on('checkExpectation', (req, res) => server.emit('request', req, res));

function look(bytes) {
  return new Promise((done) => {
    const c = net.connect(server.address().port, '127.0.0.1', () => {
      const w = { requests: [], refused: null };
      seen.set(c.localPort, w);
      c.on('data', () => {});
      c.on('error', () => {});
      c.on('close', () => setImmediate(() => done(w)));
      c.end(bytes);
    });
  });
}

server.listen(0, '127.0.0.1', async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await look(Buffer.from(line, 'base64'))));
  }
  process.exit(0);
});
