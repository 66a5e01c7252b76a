import JSONText

/// Who sends a message, and to whom.
public struct MessageDirection: Sendable, Hashable {
  public var from: PartyKind
  public var to: PartyKind

  public init(_ from: PartyKind, _ to: PartyKind) {
    self.from = from
    self.to = to
  }

  public var reversed: MessageDirection { MessageDirection(to, from) }
}

/// What a message is on the wire.
public enum MessageBinding: Sendable, Hashable {
  public enum Discovery: String, Sendable, Hashable {
    case search = "M-SEARCH"
    case reply = "HTTP/1.1 200 OK"
    case alive = "NOTIFY ssdp:alive"
    case byebye = "NOTIFY ssdp:byebye"
  }

  /// Packets that are named by their protocol alone.
  public enum Packet: String, Sendable, Hashable {
    case arp = "ARP"
    case icmp = "ICMP"
    case dhcp = "DHCP, UDP ports 67 and 68"
    case dns = "DNS, UDP port 53"
    case htip = "LLDP, EtherType 88CC, to the broadcast address"
  }

  case ssdp(Discovery)
  /// A request to one of these paths at a party of this kind.
  case http(method: String, paths: [PathTemplate], at: PartyKind)
  /// A request to a URL that another message gave: LOCATION, or `configurationURL`.
  case url(method: String, from: String, at: PartyKind)
  /// The response to this message.
  case reply(of: String)
  /// An event on the stream that this message asked for.
  case streamEvent(of: String)
  /// A SOAP 1.1 call of these actions.
  case soap(actions: [String])
  /// STUN over UDP (RFC 8489).
  case stun
  /// Datagrams of the profile's own layout, or an echo.
  case datagram(String)
  case packet(Packet)

  /// One line for people.
  public var text: String {
    switch self {
    case .ssdp(let kind): "SSDP \(kind.rawValue)"
    case .http(let method, let paths, let kind):
      paths.map { "\(method) \($0)" }.joined(separator: ", ") + " at the \(kind.rawValue)"
    case .url(let method, let source, let kind):
      "\(method) {\(source)} at " + (kind == .any ? "any device" : "the \(kind.rawValue)")
    case .reply(let name): "response to \(name)"
    case .streamEvent(let name): "server-sent event on \(name)"
    case .soap(let actions): "SOAP " + actions.joined(separator: ", ")
    case .stun: "STUN over UDP"
    case .datagram(let layout): layout
    case .packet(let packet): packet.rawValue
    }
  }
}

/// Whether a message may come at any time without failing anything (rule S3).
public enum BackgroundRule: Sendable, Hashable {
  case never, always
  /// Where the field has one of these values.
  case when(field: String, values: [String])
  /// But where the field begins with one of these.
  case unless(field: String, prefixes: [String])
  /// As the message that it answers.
  case asRequest

  public var text: String {
    switch self {
    case .never: "no"
    case .always: "yes"
    case .when(let field, let values): "where \(field) is " + values.joined(separator: " or ")
    case .unless(let field, let prefixes): "unless \(field) begins with " + prefixes.joined(separator: " or ")
    case .asRequest: "as its request"
    }
  }

  /// - Parameter request: whether the message that this one answers is background.
  public func holds(for fields: JSONValue, request: Bool) -> Bool {
    switch self {
    case .never: false
    case .always: true
    case .when(let field, let values): fields[field]?.string.map(values.contains) ?? false
    case .unless(let field, let prefixes):
      !(fields[field]?.string.map { text in prefixes.contains { text.lowercased().hasPrefix($0.lowercased()) } }
        ?? false)
    case .asRequest: request
    }
  }
}

/// A message of the profile: an entry of the catalogue.
public struct MessageDefinition: Sendable, Hashable {
  public var name: String
  public var directions: [MessageDirection]
  public var binding: MessageBinding
  public var fields: [MessageField]
  public var background: BackgroundRule
  /// The profile's section; 0 for what only rule S3 names.
  public var section: Int
  /// One sentence.
  public var meaning: String
  /// The fields that a one-line rendering shows.
  public var summary: [String]
  /// False while captures are not read for it yet.
  public var isDissected: Bool

  public init(
    _ name: String, _ directions: [MessageDirection], _ binding: MessageBinding, section: Int,
    background: BackgroundRule = .never, isDissected: Bool = true, summary: [String] = [], fields: [MessageField],
    _ meaning: String
  ) {
    self.name = name
    self.directions = directions
    self.binding = binding
    self.fields = fields
    self.background = background
    self.section = section
    self.meaning = meaning
    self.summary = summary
    self.isDissected = isDissected
  }

  /// What the catalogue knows of a field, such as `device.modelName` or `interfaces[0].macAddress`.
  public func field(at path: some Sequence<FieldStep>) -> FieldLookup { FieldType.object(fields).lookup(path) }

  /// Whether a party of one kind may send the message to one of the other; a host may do anything.
  public func allows(from: PartyKind, to: PartyKind) -> Bool {
    if from == .host || to == .host { return true }
    return directions.contains { direction in
      (from == .any || direction.from.covers(from)) && (to == .any || direction.to.covers(to))
    }
  }

  /// The name of the message that this one answers.
  public var requestName: String? {
    if case .reply(let name) = binding { name } else { nil }
  }

  public var isSOAP: Bool { if case .soap = binding { true } else { false } }

  /// The response to this request, with the fields that every response has.
  func reply(
    named name: String? = nil, summary: [String] = ["status"], fields: [MessageField] = [], _ meaning: String
  ) -> MessageDefinition {
    MessageDefinition(
      name ?? self.name + "-reply", directions.map(\.reversed), .reply(of: self.name), section: section,
      background: background == .never ? .never : .asRequest, isDissected: isDissected, summary: summary,
      fields: [FieldShapes.status] + fields + FieldShapes.problem(apartFrom: fields), meaning)
  }
}
