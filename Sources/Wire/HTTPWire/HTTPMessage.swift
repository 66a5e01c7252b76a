import JSONText

/// The header fields of an HTTP message, in the order and spelling in which they stand on the wire.
public struct HTTPFields: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Hashable {
    public var name: String
    public var value: String
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }

    /// Whether the field has this name, without regard to the case of ASCII letters.
    public func isNamed(_ other: String) -> Bool {
      name.utf8.count == other.utf8.count
        && zip(name.utf8, other.utf8).allSatisfy { a, b in
          a == b || (a | 0x20 == b | 0x20 && (0x61...0x7A).contains(a | 0x20))
        }
    }
  }

  public var list: [Field]

  public init(_ list: [Field] = []) { self.list = list }
  public init(dictionaryLiteral elements: (String, String)...) { list = elements.map { Field($0.0, $0.1) } }

  /// The first value under `name`, compared without regard to case. Setting replaces all values of that name.
  public subscript(name: String) -> String? {
    get {
      list.first { $0.isNamed(name) }?.value
    }
    set {
      list.removeAll { $0.isNamed(name) }
      if let newValue { list.append(Field(name, newValue)) }
    }
  }

  /// All values under `name`, in order.
  public func all(_ name: String) -> [String] {
    list.filter { $0.isNamed(name) }.map(\.value)
  }
}

/// An HTTP/1.1 request (RFC 9112).
public struct HTTPRequest: Sendable, Hashable {
  public var method: String
  /// The request target as it stands in the request line: a path, with a query where there is one.
  public var target: String
  public var fields: HTTPFields
  public var body: [UInt8]

  public init(_ method: String, _ target: String, fields: HTTPFields = [:], body: [UInt8] = []) {
    self.method = method
    self.target = target
    self.fields = fields
    self.body = body
  }

  /// The target without its query.
  public var path: String { String(target.prefix { $0 != "?" }) }
}

/// An HTTP/1.1 response (RFC 9112).
public struct HTTPResponse: Sendable, Hashable {
  public var status: Int
  public var fields: HTTPFields
  public var body: [UInt8]

  public init(_ status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
    self.status = status
    self.fields = fields
    self.body = body
  }
}

/// One event of a `text/event-stream` (WHATWG HTML, server-sent events).
public struct ServerSentEvent: Sendable, Hashable {
  public var id: String?
  public var event: String?
  public var data: String

  public init(id: String? = nil, event: String? = nil, data: String) {
    self.id = id
    self.event = event
    self.data = data
  }
}
