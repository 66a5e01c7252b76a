import Glibc
import Messages
import NIOCore
import RoleKit
import Transports

/// One setting as a person gave it, by flag or by variable, and how it is read: errors name where it stood.
public struct OptionValue: Sendable {
  /// `--pace` or `HOMEBED_PACE`.
  public let place: String
  public let text: String

  /// - Parameter place: where the value stood, for errors.
  public init(place: String, text: String) {
    self.place = place
    self.text = text
  }

  /// A flag wins over its variable; an empty variable counts as absent.
  ///
  /// - Parameter name: without dashes, such as `http-port`; the variable is `HOMEBED_HTTP_PORT` then.
  public static func find(_ name: String, flag: String?, variable: String? = nil) -> OptionValue? {
    if let flag { return OptionValue(place: "--\(name)", text: flag) }
    let variable = variable ?? "HOMEBED_" + name.uppercased().replacing("-", with: "_")
    guard let value = getenv(variable) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : OptionValue(place: variable, text: text)
  }

  /// The values of a repeatable flag; without any, those of a variable that has commas between them.
  ///
  /// - Parameter variable: such as `HOMEBED_CONTROL_POINTS`.
  public static func list(_ name: String, flags: [String], variable: String) -> [OptionValue] {
    guard flags.isEmpty else { return flags.map { OptionValue(place: "--\(name)", text: $0) } }
    return find(name, flag: nil, variable: variable)?.text.split(separator: ",").map {
      OptionValue(place: variable, text: String($0))
    } ?? []
  }

  /// `--pace "fast": expected a number from 0.001 to 1000`.
  public func wrong(_ expected: String) -> HostError {
    let shown = text.count > 80 ? text.prefix(80) + "..." : text[...]
    return .usage("\(place) \"\(shown)\": expected \(expected)")
  }

  public func number(_ range: ClosedRange<Int>) throws(HostError) -> Int {
    guard let value = Int(text), range.contains(value) else {
      throw wrong("a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  public func port() throws(HostError) -> UInt16 { UInt16(try number(1...65_535)) }

  public func decimal(_ range: ClosedRange<Double>) throws(HostError) -> Double {
    guard let value = Double(text), range.contains(value) else {
      throw wrong("a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// Nanoseconds, of a number of seconds with or without decimals.
  public func seconds(_ range: ClosedRange<Double>) throws(HostError) -> UInt64 {
    guard let value = Double(text), range.contains(value) else {
      throw wrong("seconds from \(range.lowerBound) to \(range.upperBound), such as 0.02")
    }
    return .seconds(value)
  }

  /// How many times as fast as the clock role time runs.
  public func pace() throws(HostError) -> Double { try decimal(RoleClock.paces) }

  /// How often HTIP frames are sent, in seconds.
  public func htipRhythm() throws(HostError) -> HTIPRhythm {
    HTIPRhythm(interval: try seconds(HTIPRhythm.intervals))
  }

  public func truth() throws(HostError) -> Bool {
    switch text {
    case "true", "yes", "1": return true
    case "false", "no", "0": return false
    default: throw wrong("true or false")
    }
  }

  public func address() throws(HostError) -> IPAddress {
    guard let address = IPAddress(text), case .v4 = address else { throw wrong("an IPv4 address such as 192.168.10.2") }
    return address
  }

  public func macAddress() throws(HostError) -> MACAddress {
    guard let address = MACAddress(text) else { throw wrong("a MAC address such as 02:00:00:00:00:21") }
    return address
  }

  public func uuid() throws(HostError) -> String {
    guard Identifier.isUUID(text) else { throw wrong("a UUID in lower case") }
    return text
  }

  public func homeId() throws(HostError) -> String {
    guard Identifier.isHomeId(text) else { throw wrong("1 to 64 characters of a-z, 0-9 and -") }
    return text
  }

  /// JSON of one kind; `kind` is for the error.
  public func json<Value>(_ kind: String, _ read: (JSONValue) -> Value?) throws(HostError) -> Value {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: text)
    } catch {
      throw wrong("JSON (\(error))")
    }
    guard let result = read(value) else { throw wrong(kind) }
    return result
  }
}

extension OptionValue {
  /// The endpoint of an `http` URL without a path; a host that is a name is looked up once.
  public func httpEndpoint() throws(HostError) -> Endpoint {
    guard let url = HTTPURL(text), url.target == "/" else { throw wrong("a URL such as http://203.0.113.1:8080") }
    if let address = IPAddress(url.host) { return Endpoint(address, url.port) }
    guard let found = try? SocketAddress.makeAddressResolvingHost(url.host, port: Int(url.port)),
      let address = found.ipAddress.flatMap({ IPAddress($0) })
    else { throw .failed("\(place): the host \(url.host) is not known to the resolver") }
    return Endpoint(address, url.port)
  }
}

extension CommonSettings {
  /// A value of HOMEBED_SETTINGS, as if it had been a flag of its own.
  public func setting(_ key: String) -> OptionValue? {
    extra[key].map { OptionValue(place: "HOMEBED_SETTINGS \(key)", text: $0.string ?? $0.description) }
  }
}
