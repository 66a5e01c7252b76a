import Octets

/// A token of either language.
public struct Token: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// FIELD of the grammar; NAME and every keyword are some of them.
    case identifier
    /// `$id`, with its `$`.
    case variable
    case range(Int, Int)
    case string(String)
    case integer(Int)
    case decimal(Double)
    /// Nanoseconds.
    case duration(Int64)
    /// Bits a second.
    case rate(Int64)
    /// 0 to 1 and above; 100 % is 1.
    case percent(Double)
    case mac(MACAddress)
    case address(IPAddress)
    case cidr(CIDR)
    /// Such as `->` or `[`; the token's text.
    case symbol
    /// Looks like a token and is none; why.
    case malformed(String)
    /// Nothing is left on the line.
    case end
  }

  public var kind: Kind
  /// As it is written.
  public var text: String
  /// Where it stands in its line.
  public var range: Range<Int>

  /// How errors call it.
  public var name: String { kind == .end ? "the end of the line" : "`\(text)`" }
}

/// NAME and FIELD of the grammar.
public enum Words {
  /// What no node, home, network or option may be called.
  public static let reserved: Set<String> = [
    "any", "network", "operator", "last", "not", "true", "false", "end", "or",
  ]
  public static let natKinds = ["endpoint-independent", "address-dependent", "address-and-port-dependent"]

  /// True for `[a-z][a-z0-9]*(-[a-z0-9]+)*`, reserved or not.
  public static func isName(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, ("a"..."z").contains(first) else { return false }
    return text.split(separator: "-", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && part.unicodeScalars.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) }
    }
  }

  static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
  static func isHexDigit(_ scalar: Unicode.Scalar) -> Bool {
    isDigit(scalar) || ("a"..."f").contains(scalar) || ("A"..."F").contains(scalar)
  }
  static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
  }
  /// `[A-Za-z0-9_]`.
  static func isWordPart(_ scalar: Unicode.Scalar) -> Bool { isLetter(scalar) || isDigit(scalar) || scalar == "_" }
}
