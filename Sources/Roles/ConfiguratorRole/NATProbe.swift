import Messages
import RoleKit

/// How a gateway treats what leaves the home and what comes back (RFC 4787 clauses 4.1 and 5), as far as it is known.
enum NATBehaviourWord: String, Sendable, Hashable, CaseIterable {
  case endpointIndependent = "endpoint-independent"
  case addressDependent = "address-dependent"
  case addressAndPortDependent = "address-and-port-dependent"
  case unknown
}

struct NATFinding: Sendable, Hashable {
  var mapping = NATBehaviourWord.unknown
  var filtering = NATBehaviourWord.unknown
}

/// Finds out by STUN how the gateway maps and filters.
///
/// Where the server has two addresses the method is that of RFC 5780 clauses 4.3 and 4.4. With one address only this
/// can be told (profile section 6): a mapped port that differs between the server's two ports is
/// address-and-port-dependent. The questions are asked side by side, those of filtering from a socket of their own: its
/// mapping must not have spoken to the server's other addresses.
struct NATProbe: Sendable, Hashable {
  /// What is asked; RFC 5780 numbers the tests.
  enum Question: String, Sendable, Hashable, CaseIterable {
    /// Test I: the server's first address and port.
    case first
    /// The server's first address, second port.
    case otherPort = "other-port"
    /// Test II of 4.3: the second address, first port.
    case otherAddress = "other-address"
    /// Test II of 4.4: to be answered from the second address and port.
    case fromOtherAddress = "from-other-address"
    /// Test III of 4.4: to be answered from the second port of the same address.
    case fromOtherPort = "from-other-port"

    var isAboutFiltering: Bool { self == .fromOtherAddress || self == .fromOtherPort }
  }

  /// A datagram that is to be sent, and after how many milliseconds the question is to be looked at again.
  struct Step: Sendable, Hashable {
    var question: Question
    var octets: [UInt8]
    var from: UInt16
    var to: Endpoint
    var again: Int
  }

  private enum Answer: Sendable, Hashable {
    case waiting(STUNRequest, to: Endpoint)
    case mapped(Endpoint)
    case silence
  }

  /// Three tries, 2 s in all: nobody is kept waiting longer by a gateway that lets nothing in.
  private static let timing = STUNRequest.Timing(firstPause: 500, requests: 3, lastPause: 1)

  private let server: IPAddress
  private let ports: [UInt16]
  /// The sockets' ports.
  let mappingPort: UInt16
  let filteringPort: UInt16
  private var answers: [Question: Answer] = [:]
  /// The server's second address, where it told of one; its second port is known.
  private var secondAddress: IPAddress?

  /// - Parameters:
  ///   - ports: the server's two STUN ports.
  ///   - mappingPort: our port for the questions about mapping; another one is for those about filtering.
  init(server: IPAddress, ports: [UInt16], mappingPort: UInt16, filteringPort: UInt16) {
    self.server = server
    self.ports = ports
    self.mappingPort = mappingPort
    self.filteringPort = filteringPort
  }

  /// The first questions.
  mutating func begin(bits: inout RandomBits) -> [Step] {
    var steps = ask(.first, at: Endpoint(server, ports[0]), bits: &bits)
    if ports.count > 1 { steps += ask(.otherPort, at: Endpoint(server, ports[1]), bits: &bits) }
    return steps
  }

  private mutating func ask(_ question: Question, at endpoint: Endpoint, bits: inout RandomBits) -> [Step] {
    guard let transaction = STUNTransactionID(bits.octets(12)) else { return [] }
    var message = STUNMessage(.request, transaction: transaction)
    switch question {
    case .fromOtherAddress: message.attributes = [.changeRequest([.address, .port])]
    case .fromOtherPort: message.attributes = [.changeRequest(.port)]
    case .first, .otherPort, .otherAddress: break
    }
    answers[question] = .waiting(STUNRequest(message, timing: NATProbe.timing), to: endpoint)
    return lookAgain(question)
  }

  /// A pause is over: the question is asked again, or given up.
  mutating func lookAgain(_ question: Question) -> [Step] {
    guard case .waiting(var request, let endpoint) = answers[question] else { return [] }
    switch request.next() {
    case .send(let pause):
      answers[question] = .waiting(request, to: endpoint)
      let port = question.isAboutFiltering ? filteringPort : mappingPort
      return [Step(question: question, octets: request.octets, from: port, to: endpoint, again: pause)]
    case .giveUp:
      answers[question] = .silence
      return []
    }
  }

  /// A datagram that came to one of our sockets; what answers no question changes nothing.
  mutating func heard(_ octets: [UInt8], bits: inout RandomBits) -> [Step] {
    guard let message = try? STUNMessage(parsing: octets) else { return [] }
    for question in Question.allCases {
      guard case .waiting(let request, _) = answers[question], request.isAnswered(by: message) else { continue }
      guard message.messageClass == .success, let mapped = message.reflexiveAddress else {
        answers[question] = .silence
        return []
      }
      answers[question] = .mapped(mapped)
      return question == .first ? followUp(message.otherAddress, bits: &bits) : []
    }
    return []
  }

  /// The server has answered. Where it has a second address, there is more to be asked.
  private mutating func followUp(_ other: Endpoint?, bits: inout RandomBits) -> [Step] {
    guard let other, other.address != server else { return [] }
    secondAddress = other.address
    let first = Endpoint(server, ports[0])
    return ask(.otherAddress, at: Endpoint(other.address, ports[0]), bits: &bits)
      + ask(.fromOtherAddress, at: first, bits: &bits) + ask(.fromOtherPort, at: first, bits: &bits)
  }

  /// Whether the server has answered at all.
  var isAnswered: Bool { mapped(.first) != nil }

  /// What was found; `nil` while questions are open.
  var finding: NATFinding? {
    guard answers[.first] != nil else { return nil }
    for answer in answers.values { if case .waiting = answer { return nil } }
    return NATFinding(mapping: mapping, filtering: filtering)
  }

  private func mapped(_ question: Question) -> Endpoint? {
    if case .mapped(let endpoint) = answers[question] { endpoint } else { nil }
  }

  private var mapping: NATBehaviourWord {
    guard let first = mapped(.first) else { return .unknown }
    if let other = mapped(.otherPort), other != first { return .addressAndPortDependent }
    guard secondAddress != nil, let elsewhere = mapped(.otherAddress) else { return .unknown }
    return elsewhere == first ? .endpointIndependent : .addressDependent
  }

  private var filtering: NATBehaviourWord {
    guard secondAddress != nil else { return .unknown }
    if mapped(.fromOtherAddress) != nil { return .endpointIndependent }
    return mapped(.fromOtherPort) != nil ? .addressDependent : .addressAndPortDependent
  }
}
