import ArgumentParser
import JSONText
import RoleHost
import Translation

/// How the gateway translates, by flag, by variable, or by the keys nat.mapping, nat.filtering and nat.hairpin of
/// HOMEBED_SETTINGS; the first that is there counts.
struct NATOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "When one inner endpoint keeps its outer UDP port (RFC 4787, 4.1): endpoint-independent, address-dependent or "
        + "address-and-port-dependent. Default: endpoint-independent.", valueName: "words"))
  var natMapping: String?

  @Option(
    help: ArgumentHelp(
      "Who outside may send to a mapped UDP port (RFC 4787, 5): the same words. Default: address-and-port-dependent.",
      valueName: "words"))
  var natFiltering: String?

  @Option(
    help: ArgumentHelp(
      "Whether hosts inside reach each other through outer ports (RFC 4787, 6). Default: no.", valueName: "yes|no"))
  var natHairpin: String?

  /// - Parameter settings: the object in HOMEBED_SETTINGS.
  /// - Throws: ``HostError`` (usage) for another word.
  func behaviour(settings: JSONObject?) throws(HostError) -> NATBehaviour {
    var behaviour = NATBehaviour()
    if let value = Self.find("nat-mapping", natMapping, settings, "nat.mapping") {
      behaviour.mapping = try Self.dependence(value)
    }
    if let value = Self.find("nat-filtering", natFiltering, settings, "nat.filtering") {
      behaviour.filtering = try Self.dependence(value)
    }
    if let value = Self.find("nat-hairpin", natHairpin, settings, "nat.hairpin") {
      behaviour.hairpin = try value.truth() ? .yes : .no
    }
    return behaviour
  }

  private static func find(_ name: String, _ flag: String?, _ settings: JSONObject?, _ key: String) -> OptionValue? {
    if let value = OptionValue.find(name, flag: flag) { return value }
    guard let value = settings?[key] else { return nil }
    return OptionValue(place: "HOMEBED_SETTINGS \(key)", text: value.string ?? value.description)
  }

  private static func dependence(_ value: OptionValue) throws(HostError) -> NATDependence {
    guard let dependence = NATDependence(rawValue: value.text) else {
      throw value.wrong(NATDependence.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return dependence
  }
}
