import Glibc
import Messages
import RoleKit
import Testing

@testable import RoleHost

/// Options are read from the process's environment, so these run one after the other.
@Suite(.serialized)
struct OptionTests {
  private static func sentence(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private func options(_ arguments: [String] = [], _ environment: [String: String] = [:]) throws -> CommonSettings {
    var template = Array("/tmp/options-XXXXXX".utf8CString)
    let folder = String(cString: try #require(mkdtemp(&template)))
    for (name, value) in environment { setenv(name, value, 1) }
    defer {
      for name in environment.keys { unsetenv(name) }
      rmdir(folder)
    }
    return try HostOptions.parse(arguments + ["--state-dir", folder])
      .read(program: "test", defaultPort: 49210, speaksSSDP: true)
  }

  @Test func aFlagWinsOverItsVariable() throws {
    let common = try options(
      ["--http-port", "1234", "--address", "127.0.0.5"],
      ["HOMEBED_HTTP_PORT": "99", "HOMEBED_PACE": "60", "HOMEBED_SSDP_PORT": "1901", "HOMEBED_SSDP_MAX_DELAY": "0.02"])
    #expect(common.httpPort == 1234)
    #expect(common.host.pace == 60)
    #expect(common.ssdpGroup == Endpoint("239.255.255.250:1901"))
    #expect(common.ssdpMaxDelay == 20_000_000)
  }

  @Test func aLoopbackAddressIsAnInterfaceOfItsOwn() throws {
    let common = try options(
      [], ["HOMEBED_ADDRESS": "127.1.0.21", "HOMEBED_MAC": "02:00:00:00:00:21", "HOMEBED_GATEWAY": "127.1.0.1"])
    #expect(
      common.host.network
        == .fixed([
          InterfaceState(
            name: "lo", isUp: true, macAddress: MACAddress("02:00:00:00:00:21"), addresses: [CIDR("127.1.0.21/24")!],
            defaultGateway: IPAddress("127.1.0.1"), dnsServers: [])
        ]))
  }

  @Test func interfacesAreChosenByNameOrAddress() throws {
    let address = try #require(IPAddress("192.168.10.21"))
    #expect(try options().host.network == .main)
    #expect(try options(["--address", "192.168.10.21"]).host.network == .holding(address))
    #expect(try options(["--interface", "eth0"]).host.network == .named(["eth0"], preferred: nil))
    let one = """
      [{"name":"eth0","network":"lan","address":"192.168.10.21/24","mac":"02:00:00:00:00:21","gateway":null}]
      """
    #expect(
      try options(
        [], ["HOMEBED_INTERFACE": "eth0", "HOMEBED_ADDRESS": "192.168.10.21", "HOMEBED_INTERFACES": one]
      ).host.network == .named(["eth0"], preferred: address))
    let two = #"[{"name":"eth0","address":"192.0.2.1/24"},{"name":"eth1","address":"192.168.10.1/24"}]"#
    #expect(
      try options([], ["HOMEBED_INTERFACE": "eth1", "HOMEBED_INTERFACES": two]).host.network
        == .named(["eth0", "eth1"], preferred: nil))
  }

  @Test(arguments: [
    ("HOMEBED_PACE", "fast", "HOMEBED_PACE \"fast\": expected a number from 0.001 to 1000.0"),
    ("HOMEBED_HTTP_PORT", "0", "HOMEBED_HTTP_PORT \"0\": expected a whole number from 1 to 65535"),
    ("HOMEBED_ADDRESS", "here", "HOMEBED_ADDRESS \"here\": expected an IPv4 address such as 192.168.10.2"),
    (
      "HOMEBED_SSDP_GROUP", "10.0.0.1",
      "HOMEBED_SSDP_GROUP \"10.0.0.1\": expected a multicast address such as 239.255.255.250"
    ),
    ("HOMEBED_INTERFACES", "[", "HOMEBED_INTERFACES \"[\": expected JSON ("),
    ("HOMEBED_INTERFACES", "[{}]", "HOMEBED_INTERFACES \"[{}]\": expected a JSON array of objects with name"),
    ("HOMEBED_SETTINGS", "[]", "HOMEBED_SETTINGS \"[]\": expected a JSON object"),
    ("HOMEBED_LOG_LEVEL", "loud", "HOMEBED_LOG_LEVEL \"loud\": expected debug, info, notice, warning or error"),
    ("HOMEBED_TOKEN_FILE", "/nowhere", "cannot read /nowhere: No such file or directory"),
  ])
  func aWrongValueIsOneClearSentence(_ variable: String, _ value: String, _ sentence: String) {
    #expect(Self.sentence { _ = try options([], [variable: value]) }.hasPrefix(sentence))
  }

  @Test func tokensComeByFile() throws {
    var template = Array("/tmp/tokens-XXXXXX".utf8CString)
    let folder = String(cString: try #require(mkdtemp(&template)))
    let path = folder + "/tokens.json"
    defer {
      unlink(path)
      rmdir(folder)
    }
    func write(_ text: String) throws {
      let file = try #require(fopen(path, "w"))
      fputs(text, file)
      fclose(file)
    }
    try write(#"{"operatorToken":"o","homeToken":"h","homes":{"one":{"homeToken":"a","userToken":"b"}}}"#)
    let tokens = try options(["--token-file", path]).tokens
    #expect(tokens.operatorToken == "o")
    #expect(tokens.homeToken == "h")
    #expect(tokens.homes["one"]?.userToken == "b")
    try write(#"{"operatorToken":7}"#)
    #expect(Self.sentence { _ = try options(["--token-file", path]) }.contains("no token at /operatorToken"))
    try write("{")
    #expect(Self.sentence { _ = try options(["--token-file", path]) }.contains("is not JSON"))
  }

  @Test func anIdentifierIsMadeOnce() throws {
    var template = Array("/tmp/identifier-XXXXXX".utf8CString)
    let folder = String(cString: try #require(mkdtemp(&template)))
    defer {
      unlink(folder + "/id")
      rmdir(folder)
    }
    let state = try StateFolder(folder, program: "test")
    let id = try state.identifier()
    #expect(Identifier.isUUID(id))
    #expect(try StateFolder(folder, program: "test").identifier() == id)
  }
}
