import { describe, expect, it } from 'vitest'
import { mayBecomeForeign, nameForeignProtocol, showOpening } from '../../src/client/foreign-protocol.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('what answers instead of a broker', () => {
  it.each([
    ['HTTP/1.1 400 Bad Request\r\n', /^HTTP; .*ws:\/\//],
    ['<html>', /^HTML/],
    ['\x15\x03\x01\x00\x02\x02\x46', /^a TLS alert; .*mqtts:\/\//],
    ['\x16\x03\x03', /^a TLS handshake/],
    ['SSH-2.0-OpenSSH_9.2\r\n', /^SSH$/],
    ['220 mail.example ESMTP', /^SMTP or FTP$/],
    ['+OK ready', /^POP3$/],
    ['* OK IMAP4rev1', /^IMAP$/],
    ["-ERR unknown command '\\x10'", /^Redis$/],
    ['AMQP\x00\x00\x09\x01', /^AMQP$/],
    ['RFB 003.008\n', /^VNC$/],
  ])('is named by how it begins: %j', (opening, name) => {
    const bytes = latin1(opening)

    expect(nameForeignProtocol(bytes)).toMatch(name)
    // and waited for as long as it may be that
    for (let length = 1; nameForeignProtocol(bytes.subarray(0, length)) === null; length++) {
      expect(mayBecomeForeign(bytes.subarray(0, length))).toBe(true)
    }
  })

  it.each(['20 02 00 00', '20', 'f0 02', 'd0 00', 'e0 00', '31 00', 'ff', '48 54 55'])(
    'is not named when it is %s',
    (hex) => {
      const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')

      expect([nameForeignProtocol(bytes), mayBecomeForeign(bytes)]).toEqual([null, false])
    },
  )

  it('is shown by its first bytes', () => {
    expect(showOpening(Buffer.from([0x48, 0, 0xff]))).toBe('the bytes 48 00 ff')
    expect(showOpening(latin1('123456789'))).toBe('the bytes 31 32 33 34 35 36 37 38 ...')
  })
})
