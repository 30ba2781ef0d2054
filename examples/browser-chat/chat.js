// ?room=1&name=ann&broker=ws://127.0.0.1:8083/mqtt; without broker the page's own server is one, as that of `serve --http`
const query = new URLSearchParams(location.search)
const room = query.get('room') ?? '1'
const name = query.get('name') ?? `guest-${Math.random().toString(36).slice(2, 6)}`
const topicName = `chat/room/${room}`
const presence = `${topicName}/presence/${name}`
const [list, state, form, text] = ['#messages', '#state', 'form', '#text'].map((one) => document.querySelector(one))
document.querySelector('#room').textContent = room

const ownBroker = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/mqtt`

const client = mqtt.connect(query.get('broker') ?? ownBroker, {
  protocolVersion: 5,
  // the broker tells the others when this page is gone, however it goes
  will: { topic: presence, payload: 'left', qos: 1 },
})
client.on('connect', async () => {
  state.textContent = `connected as ${name}`
  await client.subscribeAsync([topicName, `${topicName}/presence/+`], { qos: 1 })
  client.publish(presence, 'joined', { qos: 1 })
})
client.on('close', () => (state.textContent = 'connection lost, trying again'))
client.on('error', (error) => (state.textContent = error.message))
client.on('message', (topic, payload) => {
  if (topic === topicName) {
    const { from, text } = JSON.parse(payload)
    show(text, from === name ? 'own' : '', from)
  } else {
    show(`${topic.split('/').at(-1)} ${payload}`, 'event')
  }
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  client.publish(topicName, JSON.stringify({ from: name, text: text.value }), { qos: 1 })
  text.value = ''
})

function show(what, kind, from = null) {
  const item = document.createElement('li')
  item.className = kind
  if (from !== null) item.append(Object.assign(document.createElement('b'), { textContent: from }))
  item.append(what)
  list.append(item)
  item.scrollIntoView()
}
