import ArgumentParser
import enum Backends.Backend
import Glibc
import Runner
import struct TopologyLanguage.Topology

struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Brings a home up and leaves it running until Ctrl-C or SIGTERM.",
    discussion: """
      Prints the nodes with their addresses, how to enter them (homebed enter), where the messages are to be seen, and \
      how to change the home by hand (homebed do). Ended by Ctrl-C or SIGTERM it takes the home away and exits with 0.
      """)

  @Argument(help: "A topology's name, found as scenarios find it, or a topology file.")
  var topology: String

  @Option(help: "Where the home is made: namespaces, loopback, or auto, which takes namespaces where they are allowed.")
  var backend = BackendName.auto

  @Option(
    name: .customLong("device"), help: "NODE=exec:COMMAND puts a program of your own in a node's place (repeatable).")
  var devices: [Choice] = []

  @Option(help: "Keep capture, logs and state in this folder; a temporary one is removed in the end.")
  var report: String?

  func validate() throws { try devices.checkDevices() }

  func run() async throws {
    let found = try find()
    for device in devices where !found.nodes.contains(where: { $0.name == device.name }) {
      complain("error: --device \(device.name): the topology \(found.name) has no such node")
      throw ExitCode(2)
    }
    if let reason = LiveHome.missing(for: found) {
      complain("error: not supported yet: \(reason)")
      throw ExitCode(3)
    }
    do {
      if World.isInside { return try await run(found, on: .namespaces) }
      switch try backend.chosen() {
      case .namespaces:
        setenv(RuntimeFolder.variable, try RuntimeFolder.find().path, 1)
        try World.enter()
      case .loopback: try await run(found, on: .loopback)
      }
    } catch let status as ExitCode {
      throw status
    } catch {
      complain("error: \(error)")
      throw ExitCode(3)
    }
  }

  private func find() throws -> Topology {
    do {
      let (found, diagnostics) = try TopologySearch.find(topology)
      if !World.isInside { for diagnostic in diagnostics { complain(diagnostic.rendered()) } }
      guard let found else { throw ExitCode(2) }
      return found
    } catch let refusal as TopologySearch.Refusal {
      complain("error: \(refusal)")
      throw ExitCode(2)
    }
  }

  private func run(_ topology: Topology, on backend: Backend) async throws {
    let signals = StopSignals()
    var options = RunOptions(jobs: 1, programFolder: try ProgramFolder.find())
    options.backend = backend
    for device in devices { options.devices[device.name] = .command(String(device.value.dropFirst(5))) }
    let folder = try report.map(Files.absolute) ?? Files.temporaryFolder("homebed-up")
    try Files.makeFolder("\(folder)/logs")
    defer { if report == nil { try? Files.remove(folder) } }
    let home = try LiveHome(topology, options: options, folder: folder) { news in
      switch news {
      case .up(let sight): say(sight.text)
      case .happened(let line): say(line)
      }
    }
    try await home.run(signals: signals)
    say("\(topology.name) is gone")
  }
}
