import ArgumentParser
import JSONText
import LinuxNetwork
import RoleHost
import Translation

@main
struct HomeGatewayProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "home-gateway",
    abstract: "The home gateway: forwards IPv4 and masquerades what leaves the home.",
    discussion: """
      Example, on a machine with a cable to the Internet at eth0 and a home at eth1 (needs root and nft):
        home-gateway --outside eth0 --inside eth1
      Each flag has a variable, such as HOMEBED_OUTSIDE for --outside; HOMEBED_INTERFACES, a JSON array of objects
      with name and outside (true or false), stands for both. `ready` is printed when it works. SIGTERM takes the
      translation away.
      """,
    version: programVersion)

  @Option(help: ArgumentHelp("The interface towards the Internet. Repeatable.", valueName: "name"))
  var outside: [String] = []

  @Option(help: ArgumentHelp("The interface of the home. Repeatable.", valueName: "name"))
  var inside: [String] = []

  @OptionGroup var nat: NATOptions

  @Option(help: ArgumentHelp("How many times as fast as the clock UDP mappings age. Default: 1.", valueName: "factor"))
  var pace: String?

  @Option(help: ArgumentHelp("The name of this node, for its logs.", valueName: "name"))
  var node: String?

  func run() async throws {
    let signals = try StopWait()
    let sides = try InterfaceSides.read(outside: outside, inside: inside)
    let name = OptionValue.find("node", flag: node)?.text ?? "home-gateway"
    do {
      if sides.isOnLoopback { return try Self.stand(by: name, signals) }
      var settings = Translator.Settings(
        outside: sides.outside, inside: sides.inside,
        behaviour: try nat.behaviour(
          settings: try OptionValue.find("settings", flag: nil)?.json("a JSON object") { $0.object }))
      settings.pace = try OptionValue.find("pace", flag: pace)?.decimal(0.001...1000) ?? 1
      let translation = Translator(settings) { words in
        try? Files.standard(.errors).write(Array("\(name): \(words)\n".utf8), "a line")
      }
      try translation.start()
      let (home, world) = (sides.inside.joined(separator: ", "), sides.outside.joined(separator: ", "))
      // A reader that went away must not end a gateway.
      try? Files.standard(.errors).write(Array("\(name): masquerading \(home) behind \(world)\n".utf8), "a line")
      try? Files.standard(.output).write(Array("ready\n".utf8), "a line")
      try signals.wait()
      translation.stop()
    } catch let error as SystemError {
      throw HostError.failed("\(error)")
    }
  }

  /// On loopback addresses nothing is forwarded that could be translated: everybody reaches everybody.
  private static func stand(by name: String, _ signals: StopWait) throws {
    try? Files.standard(.errors).write(Array("\(name): on loopback, without translation\n".utf8), "a line")
    try? Files.standard(.output).write(Array("ready\n".utf8), "a line")
    try signals.wait()
  }
}
