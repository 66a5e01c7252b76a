import Octets

extension TokenCursor {
  /// `( NAME | VAR ) RANGE? ( "." ( NAME | INT | RANGE ) )*`.
  public mutating func reference(_ what: String) throws(Fault) -> Reference {
    let place = position
    var parts: [Reference.Part] = []
    if next.kind == .variable {
      parts.append(.variable(next.text))
      advance()
      if case .range = next.kind {
        throw Fault(at: position, "a variable has no range", expected: "a range after a name, such as `tv[1..40]`")
      }
    } else {
      let first = try name(what)
      if case .range(let low, let high) = next.kind {
        try checkRange(low, high)
        parts.append(.names(first.value, low, high))
        advance()
      } else {
        parts.append(.name(first.value))
      }
    }
    while take(symbol: ".") {
      switch next.kind {
      case .integer(let number) where number >= 0:
        parts.append(.number(number))
        advance()
      case .range(let low, let high):
        try checkRange(low, high)
        parts.append(.range(low, high))
        advance()
      case .identifier:
        parts.append(.name(try name("a name after the dot").value))
      default: throw unexpected("a name, a port number or a range after the dot")
      }
    }
    return Reference(parts: parts, position: place)
  }

  private func checkRange(_ low: Int, _ high: Int) throws(Fault) {
    guard low <= high else {
      throw Fault(at: position, "the range `[\(low)..\(high)]` is empty", expected: "the smaller number first")
    }
  }

  /// `seg ( "." seg )*`.
  public mutating func path(_ what: String) throws(Fault) -> Located<Path> {
    let place = position
    var segments: [Path.Segment] = []
    repeat {
      if case .string(let text) = next.kind {
        segments.append(.member(text))
      } else if next.kind == .identifier {
        segments.append(.member(next.text))
      } else {
        throw unexpected(segments.isEmpty ? what : "a field after the dot")
      }
      advance()
      while take(symbol: "[") {
        if case .integer(let number) = next.kind {
          guard number >= 0 else {
            throw Fault(at: position, "\(number) is out of range", expected: "an index, 0 or more")
          }
          segments.append(.index(number))
          advance()
        } else {
          segments.append(.anyElement)
        }
        try expect(symbol: "]")
      }
    } while take(symbol: ".")
    return Located(Path(segments: segments), at: place)
  }

  public mutating func value(_ what: String = "a value", depth: Int = 0) throws(Fault) -> Located<Value> {
    let place = position
    let value: Value
    switch next.kind {
    case .string(let text): value = .string(text)
    case .integer(let number): value = .integer(number)
    case .decimal(let number): value = .decimal(number)
    case .duration(let nanoseconds): value = .duration(nanoseconds)
    case .address(let address): value = .address(address)
    case .cidr(let cidr): value = .cidr(cidr)
    case .mac(let mac): value = .mac(mac)
    case .identifier where next.text == "true" || next.text == "false": value = .bool(next.text == "true")
    case .identifier where Words.natKinds.contains(next.text): value = .natKind(next.text)
    case .symbol where next.text == "[": return Located(.list(try list(depth: depth)), at: place)
    case .range:
      throw Fault(at: place, "a range is no value", expected: what, hint: "a list is written `[1, 2, 3]`")
    case .variable:
      let reference = try reference(what)
      if case .variable(let name)? = reference.parts.first, reference.parts.count == 1 {
        return Located(.variable(name), at: place)
      }
      return Located(.reference(reference), at: place)
    case .identifier:
      guard Words.isName(next.text) else {
        throw Fault(
          at: place, "`\(next.text)` is no value", expected: what, hint: "text stands in quotes: \"\(next.text)\"")
      }
      return Located(.reference(try reference(what)), at: place)
    default: throw unexpected(what)
    }
    advance()
    return Located(value, at: place)
  }

  /// `[a, b]`.
  public mutating func list(depth: Int = 0) throws(Fault) -> [Value] {
    guard depth < SourceText.nestingLimit else {
      throw Fault(at: position, "lists nest too deep", expected: "at most \(SourceText.nestingLimit) levels")
    }
    try expect(symbol: "[")
    var items: [Value] = []
    repeat { items.append(try value("a value in the list", depth: depth + 1).value) } while take(symbol: ",")
    guard take(symbol: "]") else { throw unexpected("`,` or `]`") }
    return items
  }
}
