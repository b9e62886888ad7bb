// Passes TCP connections on to a UNIX socket, or those of a UNIX socket on to TCP: sockets in files cross network namespaces.
import { connect, createServer } from 'node:net'

const [, , from, to] = process.argv
const ends = (text) =>
  text.startsWith('/') ? { path: text } : { host: text.split(':')[0], port: Number(text.split(':')[1]) }
const server = createServer((one) => {
  const other = connect(ends(to))
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ]) {
    socket.on('error', () => {})
    socket.on('close', () => peer.destroy())
    socket.pipe(peer)
  }
})
server.listen(ends(from), () => console.log(JSON.stringify({ port: server.address().port })))
