import ArgumentParser
import CEAgentRole
import Messages
import RoleHost
import RoleKit

@main
struct CEAgentProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "ce-agent",
    abstract: "The configured agent of a CE device: finds the home's configurator and registers with it.",
    discussion: """
      Example, on loopback addresses:
        ce-agent --address 127.0.0.21
      On a network, where the interface of the default route is the device's:
        ce-agent
      Each flag has a variable, such as HOMEBED_HTTP_PORT for --http-port. `ready` is printed when the agent works.
      """,
    version: programVersion)

  @OptionGroup var common: HostOptions

  @Option(help: ArgumentHelp("The agent's UUID. Default: one that is made once and kept.", valueName: "uuid"))
  var agentId: String?

  @Option(
    help: ArgumentHelp(
      "A JSON object: manufacturerOUI, modelName, serialNumber; deviceCategory, modelNumber, friendlyName.",
      valueName: "json"))
  var device: String?

  @Option(
    help: ArgumentHelp(
      "A JSON array of {\"name\", \"protocol\": \"tcp\" or \"udp\", \"port\", \"remoteAccess\"}.", valueName: "json"))
  var applications: String?

  @Option(help: ArgumentHelp("How long a registration is asked to hold. Default: 3600.", valueName: "60..86400"))
  var registerLifetime: String?

  @Option(help: ArgumentHelp("The time between two HTIP frames. Default: 30.", valueName: "seconds"))
  var htipInterval: String?

  @Flag(help: "Tells the configurator when the agent stops.")
  var deregisterOnStop = false

  func run() async throws {
    let common = try common.read(program: "ce-agent", defaultPort: DefaultPort.agent, speaksSSDP: true)
    let id = try OptionValue.find("agent-id", flag: agentId)?.uuid()
    let agentId = try id ?? common.state.identifier()
    let device = try OptionValue.find("device", flag: device)?.json("a JSON object") { $0.object.map(JSONValue.object) }
    let applications = try OptionValue.find("applications", flag: applications)?.json("a JSON array") {
      $0.array.map(JSONValue.array)
    }
    var settings: CEAgentSettings
    do {
      settings = try CEAgentSettings(
        agentId: agentId, device: device ?? Self.device(agentId, common.node), applications: applications ?? [])
    } catch {
      throw HostError.usage("--device and --applications: \(error)")
    }
    settings.httpPort = common.httpPort
    settings.hostNames = common.hostNames
    settings.ssdpGroup = common.ssdpGroup
    settings.ssdpMaxDelay = common.ssdpMaxDelay
    let lifetime = OptionValue.find("register-lifetime", flag: registerLifetime) ?? common.setting("register-lifetime")
    if let lifetime { settings.lifetime = try lifetime.number(60...86_400) }
    if let interval = OptionValue.find("htip-interval", flag: htipInterval) {
      settings.htip = try interval.htipRhythm()
    }
    let goodbye = OptionValue.find("deregister-on-stop", flag: deregisterOnStop ? "true" : nil)
    if let goodbye = goodbye ?? common.setting("deregister-on-stop") {
      settings.deregistersOnStop = try goodbye.truth()
    }
    for (index, application) in settings.applications.enumerated() {
      if let remote = common.setting("remote-access.\(application.name)") {
        settings.applications[index].remoteAccess = try remote.truth()
      }
      if let enabled = common.setting("application.\(application.name).enabled") {
        settings.applications[index].isEnabled = try enabled.truth()
      }
      if let answers = common.setting("application.\(application.name).answers") {
        settings.applications[index].answers = try answers.number(400...599)
      }
    }
    try await Self.host(CEAgent(settings), common, tables: CEAgent.tables)
  }

  /// A device that nobody described.
  private static func device(_ agentId: String, _ name: String?) -> JSONValue {
    [
      "deviceCategory": ["OTHER"], "manufacturerOUI": "02CE01", "modelName": "homebed CE agent", "modelNumber": "1",
      "serialNumber": .string(String(agentId.prefix(8))), "friendlyName": .string(name ?? "CE device"),
    ]
  }
}
