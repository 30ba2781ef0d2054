import { describe, expect, it } from 'vitest'
import { MAXIMUM_PAYLOAD_BYTES, MAXIMUM_TOPICS, type SeenMessage, TopicTree } from '../../src/page/topic-tree.ts'

function message(topicName: string, payload = 'x', retain = false): SeenMessage {
  return { topicName, payload: Buffer.from(payload), qos: 1, retain }
}

describe('the tree of topics', () => {
  it('keeps the last message of each topic, and counts at each level', () => {
    const tree = new TopicTree()
    tree.see(message('a/b', 'one'), 1)
    tree.see(message('a/b', 'two'), 2)
    tree.see(message('a/c'), 3)
    tree.see(message('a'), 4)

    expect(tree.find('a/b')!.value).toEqual({
      topicName: 'a/b',
      payload: new Uint8Array(Buffer.from('two')),
      payloadBytes: 3,
      qos: 1,
      atMs: 2,
      retained: false,
      count: 2,
    })
    expect(tree.find('a')).toMatchObject({ topics: 3, messages: 4, value: { count: 1 } })
    expect(tree.root).toMatchObject({ topics: 3, messages: 4 })
    expect(tree.find('a/x')).toBeNull()
  })

  it('knows what is retained, until an empty retained message comes', () => {
    const tree = new TopicTree()
    tree.see(message('a/c'), 1)
    const retained = () => [tree.find('a/b')!.value!.retained, tree.find('a')!.retained, tree.root.retained]
    tree.see(message('a/b', 'x', true), 1)
    expect(retained()).toEqual([true, 1, 1])
    tree.see(message('a/b', 'y'), 2)
    tree.see(message('a/b', 'z', true), 2)
    expect(retained()).toEqual([true, 1, 1])
    tree.see(message('a/b', '', true), 3)
    expect(retained()).toEqual([false, 0, 0])
  })

  it('takes topics up to its bound, counts the messages of others, and goes on with those it has', () => {
    const tree = new TopicTree()
    for (let topic = 0; topic < MAXIMUM_TOPICS + 3; topic++) tree.see(message(`t/${topic}`), 1)
    tree.see(message('t/0', 'new'), 2)

    expect(tree.root.topics).toBe(MAXIMUM_TOPICS)
    expect(tree.unplaced).toBe(3)
    expect(tree.find('t/0')!.value!.count).toBe(2)
    expect(tree.find(`t/${MAXIMUM_TOPICS}`)).toBeNull()
    tree.clear()
    expect(tree.root).toMatchObject({ topics: 0, messages: 0 })
    expect(tree.unplaced).toBe(0)
  })

  it('keeps the beginning of a long payload, as a copy, and no more levels than it can show', () => {
    const tree = new TopicTree()
    const payload = Buffer.alloc(MAXIMUM_PAYLOAD_BYTES + 1, 'x')
    tree.see({ ...message('a'), payload }, 1)
    payload.fill('y')
    const deep = '/'.repeat(1000)
    tree.see(message(deep), 1)

    const { value } = tree.find('a')!
    expect([value!.payload.length, value!.payload[0], value!.payloadBytes]).toEqual([4096, 'x'.charCodeAt(0), 4097])
    expect(tree.find(deep)!.value!.topicName).toBe(deep)
    let levels = 0
    for (let node = tree.root.children.get(''); node !== undefined; node = [...node.children.values()][0]) levels++
    expect(levels).toBe(50)
  })

  it('takes levels that are called like members of an object', () => {
    const tree = new TopicTree()
    tree.see(message('__proto__/constructor'), 1)

    expect(tree.find('__proto__/constructor')!.value!.count).toBe(1)
    expect(tree.find('constructor')).toBeNull()
  })
})
