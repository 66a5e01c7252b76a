import Glibc
import LinuxNetwork
import Octets
import STUN

/// Asks any STUN server by UDP, as an agent does, and tells what it answers: for trials against servers of other people.
enum STUNAsk {
  /// - Throws: ``BenchError`` where nobody answers, or with something else.
  static func ask(_ text: String) throws {
    guard let server = Endpoint(text), case .v4(let address) = server.address else {
      throw BenchError(description: "\"\(text)\": expected an IPv4 address and a port such as 198.51.100.10:3478")
    }
    let socket = try NetworkNamespace.own().socket(domain: AF_INET, type: Int32(SOCK_DGRAM.rawValue), "a socket")
    var peer = sockaddr_in()
    peer.sin_family = sa_family_t(AF_INET)
    peer.sin_port = server.port.bigEndian
    peer.sin_addr.s_addr = address.bigEndian
    let result = withUnsafePointer(to: peer) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SystemError("connect a socket", number: errno) }
    var numbers = SystemRandomNumberGenerator()
    let message = STUNMessage(
      .request, transaction: STUNTransactionID(high: numbers.next(), low: numbers.next()),
      attributes: [.software("homebed")])
    var request = STUNRequest(message, timing: STUNRequest.Timing(firstPause: 200, requests: 4, lastPause: 4))
    tell(try answer(&request, socket))
  }

  private static func answer(_ request: inout STUNRequest, _ socket: Descriptor) throws -> STUNMessage {
    while case .send(let pause) = request.next() {
      try socket.write(request.octets, "a request")
      let until = ContinuousClock.now + .milliseconds(pause)
      while try socket.waitReadable(before: until) {
        guard let octets = try socket.read(atMost: 2048, "an answer") else { continue }
        let message = try STUNMessage(parsing: octets)
        if request.isAnswered(by: message) { return message }
      }
    }
    throw BenchError(description: "nobody answered \(request.sent) requests")
  }

  private static func tell(_ answer: STUNMessage) {
    if let code = answer.errorCode { print("errorCode \(code.code) \(code.reason)") }
    if let end = answer.xorMappedAddress { print("xorMappedAddress \(end)") }
    if let end = answer.mappedAddress { print("mappedAddress \(end)") }
    if let end = answer.responseOrigin { print("responseOrigin \(end)") }
    if let end = answer.otherAddress { print("otherAddress \(end)") }
    if let text = answer.software { print("software \(text)") }
    print("fingerprint \(answer.hasFingerprint)")
  }
}
