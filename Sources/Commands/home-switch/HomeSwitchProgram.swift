import ArgumentParser
import HomeSwitchRole
import Messages
import RoleHost
import RoleKit

@main
struct HomeSwitchProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "home-switch",
    abstract: "An HTIP-NW switch: tells everybody on its ports what a bridge of the kernel has learnt at each.",
    discussion: """
      Example, on a machine with the bridge br0:
        home-switch --bridge br0
      The kernel forwards; this program only reads its table and sends frames, for which it needs CAP_NET_RAW. A port
      has the kernel's number, or the one that its interface's alias ends with:
        ip link set eth2 alias "port 3"
      Each flag has a variable, such as HOMEBED_BRIDGE for --bridge. `ready` is printed when the bridge is read.
      """,
    version: programVersion)

  @Option(help: ArgumentHelp("The bridge of the kernel. Default: br0.", valueName: "name"))
  var bridge: String?

  @Option(help: ArgumentHelp("The name of this node, for its logs.", valueName: "name"))
  var node: String?

  @Option(
    help: ArgumentHelp(
      "A JSON object: deviceCategory, manufacturerOUI, modelName, modelNumber.", valueName: "json"))
  var device: String?

  @Option(help: ArgumentHelp("The time between two HTIP frames. Default: 30.", valueName: "seconds"))
  var htipInterval: String?

  @Option(help: ArgumentHelp("How many times as fast as the clock the time runs. Default: 1.", valueName: "factor"))
  var pace: String?

  @Option(
    help: ArgumentHelp(
      "The least severe log lines to write to standard error: debug, info, notice, warning, error. Default: info.",
      valueName: "level"))
  var logLevel: String?

  func run() async throws {
    let name = OptionValue.find("node", flag: node)?.text ?? "home-switch"
    let log = try HostOptions.log(name, level: logLevel)
    let speed = try OptionValue.find("pace", flag: pace)?.pace() ?? 1
    var settings = HomeSwitchSettings(bridge: OptionValue.find("bridge", flag: bridge)?.text ?? "br0")
    if let interval = OptionValue.find("htip-interval", flag: htipInterval) {
      settings.htip = try interval.htipRhythm()
    }
    if let device = try OptionValue.find("device", flag: device)?.json("a JSON object", { $0.object }) {
      let device = JSONValue.object(device)
      if let names = device["deviceCategory"]?.array { settings.categories = names.compactMap(\.string) }
      if let code = device["manufacturerOUI"]?.string { settings.manufacturerCode = code }
      if let name = device["modelName"]?.string { settings.modelName = name }
      if let number = device["modelNumber"]?.string { settings.modelNumber = number }
    }
    let host = HostSettings(network: .none, httpPort: nil, ssdp: nil, pace: speed, log: log)
    try await Self.host(HomeSwitch(settings), host)
  }
}
