import Messages
import RoleKit

/// The secrets of a program, which come by file only (profile section 1).
public struct TokenFile: Sendable {
  public struct Home: Sendable {
    public var homeToken: String?
    public var userToken: String?
  }

  public var operatorToken: String?
  public var homeToken: String?
  public var userToken: String?
  public var homes: [String: Home] = [:]

  /// Reads the file that an option names; no file, no tokens.
  public init(_ option: OptionValue?) throws(HostError) {
    guard let option else { return }
    let octets = try SmallFile.read(option.text)
    let value: JSONValue
    do {
      value = try JSONValue(parsing: octets)
    } catch {
      throw .usage("the token file \(option.text) is not JSON: \(error)")
    }
    func text(_ value: JSONValue?, _ pointer: String) throws(HostError) -> String? {
      guard let value, !value.isNull else { return nil }
      guard let text = value.string, !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw .usage("the token file \(option.text) has no token at \(pointer): expected a text without blanks")
      }
      return text
    }
    guard value.object != nil else { throw .usage("the token file \(option.text) is JSON, but no object") }
    operatorToken = try text(value["operatorToken"], "/operatorToken")
    homeToken = try text(value["homeToken"], "/homeToken")
    userToken = try text(value["userToken"], "/userToken")
    for (id, home) in value["homes"]?.object?.members ?? [] {
      guard Identifier.isHomeId(id), home.object != nil else {
        throw .usage("the token file \(option.text): \"\(id)\" under /homes is no home of 1 to 64 of a-z, 0-9 and -")
      }
      homes[id] = Home(
        homeToken: try text(home["homeToken"], "/homes/\(id)/homeToken"),
        userToken: try text(home["userToken"], "/homes/\(id)/userToken"))
    }
  }
}
