// A wire between client and broker that can go dead, one way or both, while both ends see an open connection.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** What goes on: to the broker, or to the client. */
export class Relay {
  #server
  /** @type {import('node:net').Socket[]} */
  #sockets = []
  isDeadToBroker = false
  isDeadToClient = false

  /** @param {number} brokerPort */
  constructor(brokerPort) {
    this.#server = createServer((client) => {
      const broker = connect(brokerPort, '127.0.0.1')
      this.#sockets.push(client, broker)
      client.on('data', (bytes) => this.isDeadToBroker || broker.write(bytes))
      broker.on('data', (bytes) => this.isDeadToClient || client.write(bytes))
      // the far end learns of nothing that a dead wire would not carry
      client.on('close', () => this.isDeadToBroker || broker.destroy())
      broker.on('close', () => this.isDeadToClient || client.destroy())
      for (const socket of [client, broker]) socket.on('error', () => {})
    })
  }

  /** @param {number} brokerPort */
  static async start(brokerPort) {
    const relay = new Relay(brokerPort)
    await once(relay.#server.listen(0, '127.0.0.1'), 'listening')
    return relay
  }

  get port() {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the relay does not listen')
    return address.port
  }

  stop() {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
