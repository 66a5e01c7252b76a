import Octets
import Testing

@testable import STUN

struct DigestTests {
  @Test(
    "SHA-1 and SHA-256: the examples of FIPS 180-4",
    arguments: [
      (
        "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
      ),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
      ),
    ])
  func hashes(text: String, sha1: String, sha256: String) {
    #expect(SHA1.hash(Array(text.utf8)[...]).hex() == sha1)
    #expect(SHA256.hash(Array(text.utf8)[...]).hex() == sha256)
  }

  @Test("A million times a: FIPS 180-4")
  func long() {
    let octets = [UInt8](repeating: 0x61, count: 1_000_000)
    #expect(SHA1.hash(octets[...]).hex() == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
  }

  @Test(
    "HMAC-SHA1: RFC 2202",
    arguments: [
      ([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8), "b617318655057264e28bc0b6fb378c8ef146be00"),
      (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
      (
        [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
        "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
      ),
      (
        [UInt8](repeating: 0xAA, count: 80), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "aa4ae5e15272d00e95705637ce8a3b55ed402112"
      ),
    ])
  func keyedSHA1(key: [UInt8], text: [UInt8], expected: String) {
    #expect(HMAC.sha1(key: key, text[...]).hex() == expected)
  }

  @Test("HMAC-SHA256: RFC 4231")
  func keyedSHA256() {
    #expect(
      HMAC.sha256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)[...]).hex()
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      HMAC.sha256(
        key: [UInt8](repeating: 0xAA, count: 131),
        Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)[...]
      ).hex() == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test("CRC-32: the check value of its catalogue entry")
  func checksum() { #expect(CRC32.of(Array("123456789".utf8)[...]) == 0xCBF4_3926) }
}
