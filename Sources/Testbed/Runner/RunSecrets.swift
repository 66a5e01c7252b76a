import JSONText

/// The tokens of one run. They cross the wire in the open (profile section 10), but are new for every run.
public struct RunSecrets: Sendable {
  public struct Home: Sendable {
    public var homeToken: String
    public var userToken: String
  }

  public var operatorToken: String
  public var homes: [String: Home]

  public init(homes names: [String]) {
    operatorToken = RunSecrets.token()
    homes = Dictionary(
      uniqueKeysWithValues: names.map { ($0, Home(homeToken: RunSecrets.token(), userToken: RunSecrets.token())) })
  }

  /// The token file of the service server.
  public var serverFile: JSONValue {
    var all = JSONObject()
    for (name, home) in homes.sorted(by: { $0.key < $1.key }) {
      all[name] = ["homeToken": .string(home.homeToken), "userToken": .string(home.userToken)]
    }
    return ["operatorToken": .string(operatorToken), "homes": .object(all)]
  }

  /// The token file of a configurator in `home`.
  public func configuratorFile(home: String) -> JSONValue {
    ["operatorToken": .string(operatorToken), "homeToken": .text(homes[home]?.homeToken)]
  }

  /// The token file of a mobile device of a user of `home`.
  public func mobileFile(home: String) -> JSONValue { ["userToken": .text(homes[home]?.userToken)] }

  /// 128 random bits in base64url without padding (profile section 1).
  static func token() -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var generator = SystemRandomNumberGenerator()
    // 21 characters carry 126 bits; the last one carries two more, in its upper bits.
    let head = (0..<21).map { _ in alphabet[Int(generator.next() & 63)] }
    return String(head + [alphabet[Int(generator.next() & 3) << 4]])
  }
}
