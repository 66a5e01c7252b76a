import LanguageKit
import ScenarioLanguage
import Testing
import TopologyLanguage

/// A generator that the seed alone decides (splitmix64), so that a failure can be had again.
private struct Chance: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}

/// Files that were damaged in a few places: whatever comes of it, it is told and nothing traps.
@Suite struct MutationTests {
  private static let scraps: [[UInt8]] = [
    "end", "\n", "\"", "[", "]", "\\\n", " if ", " unless ", "either\n", "for $d in tv[1..9999]\n", "[1..9999]", "$x",
    "step 1\n",
    " matches \"(((\"", " = ", " 99999999999999999999 ", " -1 ", "0s", "home a\n", "include \"one-home.topology\"\n",
    "#", "\u{FEFF}",
    "given\n", "then\n", "or\n", "/0", "::", "100%",
  ].map { Array($0.utf8) }

  private static func mutated(_ text: String, _ chance: inout Chance) -> [UInt8] {
    var octets = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...6, using: &chance) {
      let place = Int.random(in: 0..<octets.count, using: &chance)
      switch Int.random(in: 0..<5, using: &chance) {
      case 0: octets[place] = UInt8.random(in: 0...255, using: &chance)
      case 1: octets.removeSubrange(place..<min(octets.count, place + Int.random(in: 1...30, using: &chance)))
      case 2: octets.insert(contentsOf: scraps.randomElement(using: &chance) ?? [], at: place)
      case 3:
        let start = Int.random(in: 0..<octets.count, using: &chance)
        octets.insert(contentsOf: octets[start..<min(octets.count, start + 40)], at: place)
      default: octets.removeSubrange(place...)
      }
      if octets.isEmpty { octets = [0x0A] }
    }
    return octets
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func damagedFilesAreToldAndNothingTraps(_ seed: UInt64) {
    var chance = Chance(state: seed)
    for _ in 0..<30 {
      let scenario =
        Bool.random(using: &chance) ? Self.mutated(Examples.newDevice, &chance) : Array(Examples.newDevice.utf8)
      let topology = Self.mutated(Examples.oneHome, &chance)
      let loader = SourceLoader { path in
        switch path {
        case "new-device.scenario": .success(scenario)
        case "topologies/one-home.topology": .success(topology)
        default: .failure(.notFound)
        }
      }
      let (checked, diagnostics) = ScenarioFile.read("new-device.scenario", loader: loader)
      let errors = diagnostics.filter { $0.severity == .error }
      #expect((checked == nil) == !errors.isEmpty, "seed \(seed)")
      #expect(errors.count <= DiagnosticReport.limit)
      for diagnostic in diagnostics { #expect(!diagnostic.rendered().isEmpty) }
    }
  }
}
