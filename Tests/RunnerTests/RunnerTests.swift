import JSONText
import LanguageKit
import Messages
import Octets
import ScenarioLanguage
import Testing
import TopologyLanguage

@testable import Runner

let smallHome = """
  topology small
  network internet 198.51.100.0/24
  service-server server on internet address 198.51.100.10
  home home-a
    network lan 192.168.10.0/24
    home-gateway hg on internet address 198.51.100.1 on lan address 192.168.10.1
    configurator cfg on lan address 192.168.10.2
    switch sw1 on lan ports 4
    ce tv on lan address 192.168.10.21
      application media tcp 8200 remote
      setting register-lifetime = 600
    link hg.lan -- sw1.1
    link cfg -- sw1.2
    link tv -- sw1.3
  end

  """

private func topology() throws -> Topology {
  let read = TopologyFile.read("small.topology", loader: SourceLoader(files: ["small.topology": smallHome]))
  return try #require(read.topology)
}

@Suite struct NodeEnvironmentTests {
  @Test func aDeviceIsToldWhoItIs() throws {
    let topology = try topology()
    let node = try #require(topology.node(named: "tv"))
    var environment = NodeEnvironment(topology: topology, secrets: RunSecrets(homes: ["home-a"]), pace: 10)
    environment.settings["tv", default: [:]]["remote-access.media"] = false
    let variables = environment.variables(
      for: node, stateFolder: "state", tokenFile: nil, addresses: [0: try #require(CIDR("192.168.10.77/24"))])
    #expect(variables["HOMEBED_NODE"] == "tv")
    #expect(variables["HOMEBED_ADDRESS"] == "192.168.10.77")
    #expect(variables["HOMEBED_PREFIX_LENGTH"] == "24")
    #expect(variables["HOMEBED_GATEWAY"] == "192.168.10.1")
    #expect(variables["HOMEBED_AGENT_ID"] == node.id)
    #expect(variables["HOMEBED_HTTP_PORT"] == "49210")
    #expect(variables["HOMEBED_PACE"] == "10")
    #expect(variables["HOMEBED_TOKEN_FILE"] == nil)
    let settings = try JSONValue(parsing: try #require(variables["HOMEBED_SETTINGS"]))
    #expect(settings == ["register-lifetime": 600, "remote-access.media": false])
    let applications = try JSONValue(parsing: try #require(variables["HOMEBED_APPLICATIONS"]))
    #expect(applications == [["name": "media", "protocol": "tcp", "port": 8200, "remoteAccess": true]])
  }

  @Test func aConfiguratorIsToldWhereTheServerIs() throws {
    let topology = try topology()
    let environment = NodeEnvironment(topology: topology, secrets: RunSecrets(homes: ["home-a"]), pace: 1)
    let variables = environment.variables(
      for: try #require(topology.node(named: "cfg")), stateFolder: "state", tokenFile: "tokens", addresses: [:])
    #expect(variables["HOMEBED_SERVER_URL"] == "http://198.51.100.10:8080")
    #expect(variables["HOMEBED_HOME"] == "home-a")
    #expect(variables["HOMEBED_TOKEN_FILE"] == "tokens")
  }

  @Test func aGatewayServesItsInside() throws {
    let topology = try topology()
    let environment = NodeEnvironment(topology: topology, secrets: RunSecrets(homes: ["home-a"]), pace: 1)
    let variables = environment.variables(
      for: try #require(topology.node(named: "hg")), stateFolder: "state", tokenFile: nil, addresses: [:])
    #expect(variables["HOMEBED_ADDRESS"] == "192.168.10.1")
    #expect(variables["HOMEBED_CONTROL_POINTS"] == "192.168.10.2")
    let interfaces = try JSONValue(parsing: try #require(variables["HOMEBED_INTERFACES"]))
    #expect(interfaces.array?.compactMap { $0["outside"]?.bool } == [true, false])
  }
}

@Suite struct RunSecretsTests {
  @Test func tokensAre128RandomBits() {
    let secrets = RunSecrets(homes: ["a", "b"])
    let tokens = [secrets.operatorToken] + secrets.homes.values.flatMap { [$0.homeToken, $0.userToken] }
    #expect(Set(tokens).count == 5)
    #expect(tokens.allSatisfy { $0.utf8.count == 22 })
    #expect(secrets.serverFile["homes"]?["a"]?["homeToken"]?.string == secrets.homes["a"]?.homeToken)
    #expect(secrets.configuratorFile(home: "b")["homeToken"]?.string == secrets.homes["b"]?.homeToken)
  }
}

@Suite struct WireKnowledgeTests {
  private func event(_ name: String, from: String, to: String, _ fields: JSONValue) -> Event {
    Event(
      index: 0, time: 0, from: .node(from), to: .node(to), name: name, fields: fields, frame: 1, digest: 0,
      isBackground: false)
  }

  @Test func tokensAndAddressesAreLearntFromTheWire() {
    var knowledge = WireKnowledge()
    knowledge.learn(
      event("register", from: "tv", to: "cfg", ["agentId": "x", "configurationURL": "http://192.168.10.9:5000/c"]))
    knowledge.learn(event("register-reply", from: "cfg", to: "tv", ["agentId": "x", "controlToken": "secret"]))
    #expect(knowledge.controlTokens["x"] == "secret")
    #expect(knowledge.url(ofAgent: "x")?.port == 5000)
    #expect(knowledge.url(ofAgent: "y") == nil)
  }

  @Test func aStreamIsSettledByItsReplyOrARefusal() {
    var knowledge = WireKnowledge()
    #expect(!knowledge.isSettled("cfg"))
    knowledge.learn(event("request-stream-reply", from: "server", to: "cfg", ["status": 200]))
    #expect(knowledge.isSettled("cfg"))
    knowledge.forgetStream(of: "cfg")
    #expect(!knowledge.isSettled("cfg"))
    knowledge.learn(refusalOf: .node("cfg"))
    #expect(knowledge.isSettled("cfg"))
  }
}

@Suite struct PlainHTTPTests {
  private let whole = Array("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok".utf8)

  @Test func aResponseIsThereWhenItsLastOctetIs() {
    #expect(PlainHTTP.response(in: whole, to: "PUT", isEnded: false)?.status == 201)
    for count in 0..<whole.count {
      #expect(PlainHTTP.response(in: Array(whole.prefix(count)), to: "PUT", isEnded: false) == nil)
    }
  }

  @Test func anInterimResponseIsPassedOver() {
    let octets = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8) + whole
    #expect(PlainHTTP.response(in: octets, to: "PUT", isEnded: false)?.status == 201)
  }

  @Test func aBodyWithoutALengthEndsWithTheConnection() {
    let octets = Array("HTTP/1.1 200 OK\r\n\r\nbody".utf8)
    #expect(PlainHTTP.response(in: octets, to: "GET", isEnded: false) == nil)
    #expect(PlainHTTP.response(in: octets, to: "GET", isEnded: true)?.body == Array("body".utf8))
  }
}

@Suite struct FilesTests {
  @Test func whatIsWrittenIsReadAndRemoved() throws {
    let folder = try Files.temporaryFolder("homebed-test")
    try Files.makeFolder(folder + "/a/b")
    try Files.write("0123456789", to: folder + "/a/b/c")
    #expect(try Files.read(folder + "/a/b/c", from: 3, count: 4) == Array("3456".utf8))
    #expect(try Files.read(folder + "/a/b/c", from: 8, count: 4) == Array("89".utf8))
    #expect(try Files.list(folder + "/a") == ["b"])
    #expect(throws: FileError.self) { try Files.read(folder + "/a/b/c", limit: 5) }
    try Files.remove(folder)
    #expect(!Files.exists(folder))
    #expect(throws: FileError.self) { try Files.read(folder + "/a/b/c") }
  }
}
