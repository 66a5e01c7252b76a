import Messages
import RoleKit

/// The problems that a device shows its user now, in the order in which they appeared (IEC 62608-2 clause 4.6.2).
struct Troubles: Sendable {
  struct Trouble: Sendable, Hashable {
    var name: DeviceProblem
    /// Milliseconds since 1970-01-01T00:00:00Z.
    var since: Int64
    var detail: String
    var advice: String
  }

  private(set) var list: [Trouble] = []

  func contains(_ name: DeviceProblem) -> Bool { list.contains { $0.name == name } }

  /// Shows a problem, or renews the detail of one that is shown; true where anything changed.
  mutating func show(_ trouble: Trouble) -> Bool {
    guard let index = list.firstIndex(where: { $0.name == trouble.name }) else {
      list.append(trouble)
      return true
    }
    guard list[index].detail != trouble.detail else { return false }
    list[index].detail = trouble.detail
    return true
  }

  /// Withdraws a problem; true where it was shown.
  mutating func withdraw(_ name: DeviceProblem) -> Bool {
    guard let index = list.firstIndex(where: { $0.name == name }) else { return false }
    list.remove(at: index)
    return true
  }
}

extension DeviceProblem {
  /// What the user can do about it.
  var advice: String {
    switch self {
    case .noLink: "Check that the network cable is plugged in at both ends, or that Wi-Fi is on."
    case .noAddress: "Check that the home gateway is on and hands out addresses, or set an address by hand."
    case .duplicateAddress: "Another device has the same address: give one of them another."
    case .wrongSubnet: "Set an address in the same network as the rest of the home, or let the gateway assign one."
    case .wrongGateway: "Set the default gateway to the address of the home gateway."
    case .dnsFailure: "Set the DNS server to the address of the home gateway."
    case .noConfigurator: "Check that the home's configurator is on and connected to the same network."
    case .severalConfigurators: "A home should have one configurator: switch off or disconnect the others."
    case .registrationRefused:
      "The device tries again by itself. If this lasts, remove the device's old record on the configurator."
    case .configurationRefused: "Correct the settings of this device at the service that manages it."
    case .applicationDown: "Restart the application, or the device."
    }
  }
}
