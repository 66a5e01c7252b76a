import ArgumentParser
import ConfiguratorRole
import Messages
import RoleHost
import RoleKit

@main
struct ConfiguratorProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "configurator",
    abstract: "The configurator of a home: registers its CE devices and configures them.",
    discussion: """
      Example, on loopback addresses, without a service server:
        configurator --address 127.0.0.2
      With one:
        configurator --address 127.0.0.2 --home home --server-url http://127.0.0.1:8080 --token-file tokens.json
      Each flag has a variable, such as HOMEBED_SERVER_URL for --server-url. `ready` is printed when it works.
      """,
    version: programVersion)

  @OptionGroup var common: HostOptions

  @Option(
    help: ArgumentHelp(
      "The configurator's UUID (variable HOMEBED_AGENT_ID). Default: one that is made once and kept.",
      valueName: "uuid"))
  var configuratorId: String?

  @Option(help: ArgumentHelp("The home's identifier at the service server.", valueName: "home"))
  var home: String?

  @Option(help: ArgumentHelp("The service server. Default: none.", valueName: "http://host:port"))
  var serverUrl: String?

  @Option(help: ArgumentHelp("Whether agents are registered at the server. Default: true.", valueName: "true|false"))
  var serverRegistration: String?

  @Option(
    help: ArgumentHelp("Whether configurations are asked of the server. Default: true.", valueName: "true|false"))
  var configurationPull: String?

  func run() async throws {
    let common = try common.read(program: "configurator", defaultPort: DefaultPort.configurator, speaksSSDP: true)
    let id = try OptionValue.find("configurator-id", flag: configuratorId, variable: "HOMEBED_AGENT_ID")?.uuid()
    var settings = ConfiguratorSettings(configuratorId: try id ?? common.state.identifier())
    if let name = common.node { settings.friendlyName = name }
    settings.httpPort = common.httpPort
    settings.hostNames = common.hostNames
    settings.ssdpGroup = common.ssdpGroup
    settings.longestReplyDelay = common.ssdpMaxDelay
    settings.operatorToken = common.tokens.operatorToken
    settings.server = try server(common.tokens)
    if let value = OptionValue.find("server-registration", flag: serverRegistration)
      ?? common.setting("server-registration")
    {
      settings.serverRegistration = try value.truth()
    }
    if let value = OptionValue.find("configuration-pull", flag: configurationPull)
      ?? common.setting("configuration-pull")
    {
      settings.configurationPull = try value.truth()
    }
    try await Self.host(Configurator(settings: settings), common, tables: ConfiguratorTables.all)
  }

  private func server(_ tokens: TokenFile) throws(HostError) -> ConfiguratorSettings.Server? {
    guard let url = OptionValue.find("server-url", flag: serverUrl) else { return nil }
    guard let home = try OptionValue.find("home", flag: home)?.homeId() else {
      throw .usage("\(url.place) needs a home; hint: give --home")
    }
    guard let token = tokens.homeToken ?? tokens.homes[home]?.homeToken else {
      throw .usage("\(url.place) needs the home's token; hint: give --token-file with homeToken")
    }
    return .init(endpoint: try url.httpEndpoint(), homeId: home, homeToken: token)
  }
}
