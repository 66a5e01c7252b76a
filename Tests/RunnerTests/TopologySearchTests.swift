import Testing

@testable import Runner

struct TopologySearchTests {
  @Test func aFileIsTakenByItsPath() throws {
    let folder = try Files.temporaryFolder("homebed-search")
    defer { try? Files.remove(folder) }
    try Files.write("topology lab\nnetwork lan 192.168.10.0/24\nhost a on lan\n", to: "\(folder)/lab.topology")
    #expect(try TopologySearch.find("\(folder)/lab.topology").topology?.name == "lab")
    try Files.write("topology other\nnetwork lan 192.168.10.0/24\n", to: "\(folder)/lab.topology")
    let (topology, diagnostics) = try TopologySearch.find("\(folder)/lab.topology")
    #expect(topology == nil)
    #expect(diagnostics.contains { $0.message.contains("is called `other`") })
  }

  @Test(arguments: ["no-such-topology", "no/such/file", "absent.topology"])
  func whatIsNotThereIsRefused(name: String) {
    #expect(throws: TopologySearch.Refusal.self) { try TopologySearch.find(name) }
  }
}
